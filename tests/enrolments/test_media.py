import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from tests.factories import EnrolmentFactory, LessonFactory, VideoLessonFactory

pytestmark = pytest.mark.django_db

CONTENT = bytes(range(256)) * 4


@pytest.fixture
def seat():
    return EnrolmentFactory()


@pytest.fixture
def video(seat):
    return VideoLessonFactory(
        section=seat.edition.sections.get(),
        slug="the-loop",
        title="The loop",
        poster=ContentFile(b"a picture", name="poster.png"),
        described_video=ContentFile(b"described", name="described.mp4"),
        download=ContentFile(b"<script>", name="work sheet.HTML"),
    )


@pytest.fixture
def learner(client, seat):
    client.force_login(seat.learner)
    return client


def address(lesson, name="video.mp4"):
    return reverse("enrolments:media", args=[lesson.pk, name])


def body(response):
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_without_a_range_the_whole_video_comes(learner, video):
    response = learner.get(address(video))

    assert (response.status_code, body(response)) == (200, CONTENT)
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["Content-Length"] == "1024"
    assert response.headers["Content-Type"] == "video/mp4"
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("asked", "sent", "place"),
    [
        ("bytes=100-199", CONTENT[100:200], "bytes 100-199/1024"),
        ("bytes=1000-", CONTENT[1000:], "bytes 1000-1023/1024"),
        ("bytes=-50", CONTENT[-50:], "bytes 974-1023/1024"),
        ("bytes=0-", CONTENT, "bytes 0-1023/1024"),
    ],
)
def test_a_range_brings_that_part(learner, video, asked, sent, place):
    response = learner.get(address(video), headers={"range": asked, "accept-encoding": "gzip"})

    assert (response.status_code, body(response)) == (206, sent)
    assert response.headers["Content-Range"] == place
    assert response.headers["Content-Length"] == str(len(sent))


def test_several_ranges_bring_the_whole_file(learner, video):
    response = learner.get(address(video), headers={"range": "bytes=0-1,5-6"})

    assert (response.status_code, body(response)) == (200, CONTENT)


def test_a_range_past_the_end_says_how_long_the_file_is(learner, video):
    response = learner.get(address(video), headers={"range": "bytes=1024-"})

    assert (response.status_code, response.headers["Content-Range"]) == (416, "bytes */1024")


def test_head_tells_the_length_and_sends_nothing(learner, video):
    response = learner.head(address(video), headers={"range": "bytes=0-9"})

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["Content-Length"] == "1024"


def test_a_known_file_is_not_sent_again(learner, video):
    etag = learner.get(address(video)).headers["ETag"]

    response = learner.get(address(video), headers={"if-none-match": etag, "range": "bytes=0-9"})

    assert (response.status_code, response.headers["ETag"]) == (304, etag)


def test_a_part_is_sent_only_if_the_file_is_still_the_same(learner, video):
    first = learner.get(address(video))
    same = {"range": "bytes=0-9", "if-range": first.headers["ETag"]}
    same_day = {"range": "bytes=0-9", "if-range": first.headers["Last-Modified"]}
    other = {"range": "bytes=0-9", "if-range": '"another"'}

    statuses = [learner.get(address(video), headers=headers).status_code for headers in (same, same_day, other)]

    assert statuses == [206, 206, 200]


@pytest.mark.parametrize(
    ("name", "content_type", "disposition"),
    [
        ("video.mp4", "video/mp4", None),
        ("described.mp4", "video/mp4", None),
        ("captions.vtt", "text/vtt; charset=utf-8", None),
        ("poster.jpg", "image/jpeg", None),
        ("transcript.txt", "text/plain; charset=utf-8", 'attachment; filename="the-loop.txt"'),
        ("download", "application/octet-stream", 'attachment; filename="the-loop.html"'),
    ],
)
def test_the_address_fixes_type_and_name_whatever_was_uploaded(learner, video, name, content_type, disposition):
    response = learner.get(address(video, name))

    assert response.status_code == 200
    assert response.headers["Content-Type"] == content_type
    assert response.headers.get("Content-Disposition") == disposition


def test_the_transcript_comes_from_the_captions(learner, video):
    response = learner.get(address(video, "transcript.txt"))

    assert response.content.decode() == "[0:00] Hello.\n[0:02] Breathe out.\n"


@pytest.mark.parametrize("name", ["video.mp4", "captions.vtt", "transcript.txt", "download", "video.mov", "x"])
def test_what_a_lesson_does_not_have_is_not_found(learner, seat, name):
    text = LessonFactory(section=seat.edition.sections.get())

    assert learner.get(address(text, name)).status_code == 404


def test_a_lost_file_is_not_found(learner, video):
    video.video.storage.delete(video.video.name)

    assert learner.get(address(video)).status_code == 404


def test_with_a_proxy_the_file_is_handed_over_and_not_read(learner, video, settings):
    settings.MEDIA_ACCEL_LOCATION = "/protected/"

    response = learner.get(address(video, "download"))

    assert response.headers["X-Accel-Redirect"].startswith("/protected/lessons/work_sheet")
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.content == b""


def test_with_a_proxy_the_right_is_asked_for_all_the_same(client, video, settings):
    settings.MEDIA_ACCEL_LOCATION = "/protected/"

    assert client.get(address(video)).status_code == 404
