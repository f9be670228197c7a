"""Watching a real video in Chromium: with our script, and without any."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.core.files import File
from playwright.sync_api import expect

from credits.publishing import publish
from enrolments.models import Progress
from tests.factories import LONG_AGO, EnrolmentFactory, LessonFactory, VideoLessonFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SAMPLE = Path(settings.BASE_DIR) / "clinic" / "sample" / "media"
LESSON = "/learn/undoing-depression/the-loop/"


@pytest.fixture
def seat():
    """A seat in a course of which the first lesson is a real video, and a text follows."""
    seat = EnrolmentFactory(course__slug="undoing-depression", course__title="UnDoing Depression")
    seat.edition.lessons.all().delete()
    section = seat.edition.sections.get()
    with (
        (SAMPLE / "undoing-depression-welcome.mp4").open("rb") as video,
        (SAMPLE / "undoing-depression-welcome.vtt").open("rb") as captions,
        (SAMPLE / "undoing-depression-welcome.jpg").open("rb") as poster,
    ):
        VideoLessonFactory(
            section=section,
            position=1,
            slug="the-loop",
            title="The loop",
            video=File(video, name="loop.mp4"),
            captions=File(captions, name="loop.vtt"),
            poster=File(poster, name="loop.jpg"),
        )
    LessonFactory(section=section, position=2, slug="after", title="Afterwards")
    publish(seat.edition, at=LONG_AGO)
    return seat


def until(page, condition):
    page.wait_for_function(f"() => {{ const video = document.querySelector('video'); return {condition}; }}")


def test_a_video_plays_and_can_be_sought(open_browser, seat):
    page = open_browser(as_user=seat.learner)
    page.goto(LESSON)

    page.get_by_role("button", name="Play").click()
    until(page, "!video.paused && video.currentTime > 0.3")
    page.get_by_role("button", name="Forward 10 seconds").click()
    until(page, "video.currentTime > 10 && !video.seeking")
    page.get_by_role("button", name="Pause").click()

    until(page, "video.paused")
    assert page.evaluate("document.querySelector('video').seekable.end(0)") > 40
    expect(page.get_by_role("slider", name="Position")).to_have_attribute("aria-valuetext", "0:10 of 0:45")


def test_captions_show_over_the_picture_and_can_be_switched_off(open_browser, seat):
    page = open_browser(as_user=seat.learner)
    page.goto(LESSON)
    caption = page.locator("[data-caption]")

    page.get_by_role("button", name="Play").click()
    expect(caption).to_have_text("Welcome to UnDoing Depression.")
    page.get_by_role("button", name="Captions").click()
    expect(caption).to_be_hidden()
    page.reload()

    expect(page.get_by_role("button", name="Captions")).to_have_attribute("aria-pressed", "false")


def test_a_line_of_the_transcript_leads_to_its_place(open_browser, seat):
    page = open_browser(as_user=seat.learner)
    page.goto(LESSON)
    line = page.get_by_role("button", name="That is a loop.")

    line.click()

    until(page, "!video.paused && Math.abs(video.currentTime - 15.5) < 2")
    expect(line).to_have_attribute("aria-current", "true")


def test_the_transcript_can_be_searched(open_browser, seat):
    page = open_browser(as_user=seat.learner)
    page.goto(LESSON)

    page.get_by_label("Search the transcript").fill("LOOP")

    expect(page.locator("[data-cues] li:visible")).to_have_count(1)
    expect(page.get_by_text("1 of 11 lines")).to_be_visible()


def test_another_device_goes_on_where_this_one_stopped(open_browser, seat):
    page = open_browser(as_user=seat.learner)
    page.goto(LESSON)
    page.get_by_role("button", name="You will keep a record").click()
    until(page, "!video.paused && video.currentTime > 24.5")  # beyond the second that the jump itself may have saved
    with page.expect_response("**/position/") as saved:
        page.get_by_role("button", name="Pause").click()
    stopped_at = page.evaluate("document.querySelector('video').currentTime")

    other = open_browser(as_user=seat.learner)
    other.goto("/learn/undoing-depression/")
    other.get_by_role("link", name="Continue").click()
    other.get_by_role("button", name="Play").click()
    until(other, "!video.paused && video.currentTime > 1")

    assert saved.value.status == 204
    assert abs(other.evaluate("document.querySelector('video').currentTime") - stopped_at) < 5


def test_leaving_while_it_plays_keeps_the_place(open_browser, seat):
    page = open_browser(as_user=seat.learner)
    page.goto(LESSON)
    page.get_by_role("button", name="You will keep a record").click()
    until(page, "!video.paused && video.currentTime > 23.5")

    page.get_by_role("link", name="Back to the course").click()
    page.wait_for_url("**/learn/undoing-depression/")

    # The word of the page that was left may arrive after this one was shown.
    page.wait_for_function(
        "async () => (await (await fetch(location.href)).text()).includes('You were at 0:2')", polling=200
    )


def test_reaching_the_end_marks_the_lesson_done_in_place(open_browser, seat):
    page = open_browser(as_user=seat.learner)
    page.goto(LESSON)
    page.get_by_role("button", name="Now, let us begin.").click()

    expect(page.locator("#done-state")).to_contain_text("Done")

    expect(page.locator("#header-progress")).to_contain_text("1 of 2 lessons done")
    expect(page.get_by_role("button", name="Mark as done")).to_have_count(0)
    assert Progress.objects.get(lesson__slug="the-loop").position_seconds == 0


def test_keys_work_in_the_player_and_are_left_to_other_fields(open_browser, seat):
    page = open_browser(as_user=seat.learner)
    page.goto(LESSON)
    page.get_by_role("button", name="Play").focus()

    page.keyboard.press("k")
    until(page, "!video.paused && video.readyState > 2")
    page.keyboard.press("k")
    until(page, "video.paused")
    before = page.evaluate("document.querySelector('video').currentTime")
    page.keyboard.press("ArrowRight")
    until(page, f"video.currentTime > {before} + 4")
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Captions")).to_have_attribute("aria-pressed", "false")
    search = page.get_by_label("Search the transcript")
    search.press_sequentially("kick c")

    expect(search).to_have_value("kick c")
    expect(page.get_by_role("button", name="Captions")).to_have_attribute("aria-pressed", "false")
    assert page.evaluate("document.querySelector('video').paused")


def test_speed_is_remembered_for_the_next_lesson(open_browser, seat):
    page = open_browser(as_user=seat.learner)
    page.goto(LESSON)

    page.get_by_role("button", name="Speed: 1 times").click()
    page.reload()

    expect(page.get_by_role("button", name="Speed: 1.25 times")).to_be_visible()
    assert page.evaluate("document.querySelector('video').playbackRate") == 1.25


def test_without_a_script_the_lesson_is_watched_read_and_done(open_browser, seat):
    page = open_browser(as_user=seat.learner, java_script_enabled=False)
    page.goto(LESSON)

    expect(page.locator("video")).to_have_attribute("controls", "")
    expect(page.locator("track[kind=captions][default]")).to_have_count(1)
    expect(page.locator("[data-bar]")).to_be_hidden()
    expect(page.get_by_text("That is a loop. It has no villain, only a direction.")).to_be_visible()
    page.get_by_role("button", name="Mark done and go on").click()
    expect(page.get_by_role("heading", name="Afterwards")).to_be_visible()
    page.get_by_role("button", name="Mark done and finish").click()

    expect(page.get_by_text("Everything in this course is done")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_learner_pages_are_accessible_and_do_not_scroll_sideways(open_browser, seat, scheme, width):
    page = open_browser(as_user=seat.learner, color_scheme=scheme, viewport={"width": width, "height": 900})
    found = {}

    for path in [LESSON, "/learn/undoing-depression/after/", "/learn/undoing-depression/", "/learn/"]:
        page.goto(path)
        found[path] = [(rule["id"], rule["nodes"][0]["html"]) for rule in Axe().run(page).response["violations"]]
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    assert found == {path: [] for path in found}
