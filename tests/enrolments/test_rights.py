"""Who gets what: every kind of person at every door of a paid lesson."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone

from courses.models import Course
from enrolments.models import Progress
from tests.factories import CourseFactory, EnrolmentFactory, StaffFactory, UserFactory, VideoLessonFactory

pytestmark = pytest.mark.django_db

MEDIA = ["video.mp4", "described.mp4", "captions.vtt", "poster.jpg", "transcript.txt", "download"]
PAGES = ["course", "lesson"]
DEEDS = ["position", "done"]
SIGN_IN = "sign in"

ENTITLED = dict.fromkeys([*PAGES, *MEDIA], 200) | {"position": 204, "done": 302}
REFUSED = dict.fromkeys([*PAGES, *MEDIA, *DEEDS], 404)
PEOPLE = {
    "visitor": dict.fromkeys([*PAGES, *DEEDS], SIGN_IN) | dict.fromkeys(MEDIA, 404),
    "learner": ENTITLED,
    "learner whose term runs": ENTITLED,
    "learner who came back": ENTITLED,
    "learner of another course": REFUSED,
    "learner of an earlier edition": REFUSED,
    "learner whose seat ended": REFUSED,
    "learner on hold": REFUSED,
    "learner whose term ran out": REFUSED,
    "staff": dict.fromkeys([*PAGES, *MEDIA], 200) | dict.fromkeys(DEEDS, 404),
    "staff without the permission": REFUSED,
}


@pytest.fixture
def lesson():
    course = CourseFactory(slug="undoing-depression")
    return VideoLessonFactory(
        section=course.edition.sections.get(),
        slug="the-loop",
        poster=ContentFile(b"picture", name="poster.jpg"),
        described_video=ContentFile(b"described", name="described.mp4"),
        download=ContentFile(b"sheet", name="sheet.txt"),
    )


def sign_in(client, who, course):
    now = timezone.now()
    if who == "visitor":
        return
    if who == "staff":
        client.force_login(StaffFactory())
        return
    user = UserFactory(is_staff=who == "staff without the permission")
    client.force_login(user)
    seats = {
        "learner": {},
        "learner whose term runs": {"access_ends_at": now + timedelta(days=1)},
        "learner of another course": {"course": CourseFactory()},
        "learner of an earlier edition": {"edition": course.editions.create(number=2)},
        "learner whose seat ended": {"standing": "ended", "ended_at": now},
        "learner on hold": {"standing": "hold"},
        "learner whose term ran out": {"access_ends_at": now},
    }
    if who == "learner who came back":
        EnrolmentFactory(learner=user, course=course, standing="ended", ended_at=now)
        EnrolmentFactory(learner=user, course=course, enrolled_at=now)
    elif who in seats:
        EnrolmentFactory(**{"learner": user, "course": course, **seats[who]})


def knock(client, door, lesson):
    slugs = ["undoing-depression", lesson.slug]
    if door in MEDIA:
        return client.get(reverse("enrolments:media", args=[lesson.pk, door]))
    if door in DEEDS:
        return client.post(reverse(f"enrolments:{door}", args=slugs), {"seconds": "1"})
    return client.get(reverse(f"enrolments:{door}", args=slugs[:1] if door == "course" else slugs))


@pytest.mark.parametrize("door", [*PAGES, *MEDIA, *DEEDS])
@pytest.mark.parametrize("who", PEOPLE)
def test_each_person_at_each_door(client, lesson, who, door):
    course = lesson.edition.course
    sign_in(client, who, course)

    response = knock(client, door, lesson)

    expected = PEOPLE[who][door]
    # The learner pinned to another edition has a seat in the course, though not in this lesson.
    if (who, door) == ("learner of an earlier edition", "course"):
        expected = 200
    if expected == SIGN_IN:
        assert response.status_code == 302
        assert response.url.startswith(f"{reverse('account_login')}?next=/learn/undoing-depression/")
    else:
        assert response.status_code == expected
    assert Progress.objects.exists() is (expected in {200, 204, 302} and door in {"lesson", *DEEDS} and who != "staff")


@pytest.mark.parametrize("who", PEOPLE)
def test_a_free_preview_has_its_media_open_to_everyone(client, lesson, who):
    lesson.is_preview = True
    lesson.save()
    sign_in(client, who, lesson.edition.course)

    statuses = {name: knock(client, name, lesson).status_code for name in MEDIA}

    assert statuses == dict.fromkeys(MEDIA, 200)


@pytest.mark.parametrize("hidden", [{"status": "draft"}, {"status": "withdrawn"}, {"edition": None}])
def test_a_free_preview_of_what_the_public_cannot_see_is_closed(client, lesson, hidden):
    lesson.is_preview = True
    lesson.save()
    Course.objects.update(**hidden)

    assert knock(client, "video.mp4", lesson).status_code == 404


def test_a_free_preview_does_not_open_its_page_in_the_player(client, lesson):
    lesson.is_preview = True
    lesson.save()
    client.force_login(UserFactory())

    assert knock(client, "lesson", lesson).status_code == 404


def test_a_learner_keeps_the_course_after_it_left_the_catalogue(client, lesson):
    sign_in(client, "learner", lesson.edition.course)
    Course.objects.update(status="withdrawn")

    assert knock(client, "lesson", lesson).status_code == 200
    assert knock(client, "video.mp4", lesson).status_code == 200


@pytest.mark.parametrize("door", DEEDS)
def test_deeds_are_not_done_by_following_a_link(client, lesson, door):
    sign_in(client, "learner", lesson.edition.course)

    response = client.get(reverse(f"enrolments:{door}", args=["undoing-depression", lesson.slug]))

    assert response.status_code == 405


def test_a_visitors_look_at_media_leaves_no_cookie(client, lesson):
    lesson.is_preview = True
    lesson.save()

    assert not knock(client, "video.mp4", lesson).cookies
