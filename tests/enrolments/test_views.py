from datetime import timedelta

import pytest
from django.template import Context, Template
from django.urls import reverse
from django.utils import timezone

from courses.models import Lesson
from enrolments.models import Enrolment, Progress
from foundation.identity import clinic_identity
from tests.factories import NOON, CourseFactory, EnrolmentFactory, LessonFactory, UserFactory, VideoLessonFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def seat(client):
    """A learner, signed in, with a course of two texts and a video of 100 seconds."""
    seat = EnrolmentFactory(course__slug="undoing-depression", course__title="UnDoing Depression")
    VideoLessonFactory(section=seat.edition.sections.get(), position=3, slug="the-loop", title="The loop", seconds=100)
    client.force_login(seat.learner)
    return seat


def lesson_url(slug, door="lesson"):
    return reverse(f"enrolments:{door}", args=["undoing-depression", slug])


COURSE_URL = "/learn/undoing-depression/"


def test_my_learning_without_a_course_leads_to_the_catalogue(client):
    client.force_login(UserFactory())

    page = client.get("/learn/").content.decode()

    assert "No courses yet" in page
    assert f'href="{reverse("courses:list")}"' in page


def test_my_learning_lists_a_new_course_to_start(client, seat):
    page = client.get("/learn/").content.decode()

    assert "0 of 3 lessons done" in page
    assert f'href="{lesson_url("welcome")}">Start' in page
    assert "Continue where you stopped" not in page


def test_my_learning_leads_back_to_where_i_stopped_last(client, seat):
    EnrolmentFactory(learner=seat.learner, course__title="Another")
    client.get(lesson_url("the-loop"))
    client.post(lesson_url("the-loop", "position"), {"seconds": "41.7"})

    page = client.get("/learn/").content.decode()

    assert "Continue where you stopped" in page
    assert f'href="{lesson_url("the-loop")}"' in page
    assert "UnDoing Depression, lesson 3 of 3. You were at 0:41." in page


def test_my_learning_says_when_a_course_was_completed(client, seat):
    for lesson in Lesson.objects.all():
        Progress.objects.create(enrolment=seat, lesson=lesson, first_seen_at=NOON, last_seen_at=NOON, done_at=NOON)

    page = client.get("/learn/").content.decode()

    assert "Completed 14 May 2026" in page


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"standing": "ended", "ended_at": NOON}, "Ended 14 May 2026"),
        ({"standing": "hold"}, "On hold"),
        ({"access_ends_at": NOON}, "Access ended 14 May 2026"),
    ],
)
def test_my_learning_lists_a_closed_seat_without_a_way_in(client, seat, change, words):
    Enrolment.objects.update(**change)

    page = client.get("/learn/").content.decode()

    assert words in page
    assert "UnDoing Depression" in page
    assert COURSE_URL not in page


def test_my_learning_shows_the_newest_seat_of_a_course_only(client, seat):
    Enrolment.objects.update(standing="ended", ended_at=NOON)
    EnrolmentFactory(learner=seat.learner, course=seat.course, enrolled_at=timezone.now())

    page = client.get("/learn/").content.decode()

    assert "Ended 14 May 2026" not in page
    assert "Start" in page


def test_a_visitor_signs_in_first(client):
    response = client.get("/learn/")

    assert response.url == f"{reverse('account_login')}?next=/learn/"


@pytest.mark.parametrize(
    ("opened", "done", "goes_to"),
    [
        ([], [], "welcome"),
        (["first-steps"], [], "first-steps"),
        (["the-loop", "first-steps"], ["the-loop"], "first-steps"),
        (["welcome"], ["welcome"], "first-steps"),
        (["the-loop"], ["the-loop"], "welcome"),
        (["first-steps"], ["welcome", "first-steps", "the-loop"], "welcome"),
    ],
)
def test_continue_goes_to_the_last_opened_lesson_or_the_next_unfinished(client, seat, opened, done, goes_to):
    for slug in done:
        client.post(lesson_url(slug, "done"))
    for slug in opened:
        client.get(lesson_url(slug))

    page = client.get(COURSE_URL)

    assert page.context["outline"].next_step.lesson.slug == goes_to
    assert f'btn--wide" href="{lesson_url(goes_to)}"' in page.content.decode()


def test_opening_a_lesson_is_remembered(client, seat):
    client.get(lesson_url("first-steps"))
    client.get(lesson_url("first-steps"))

    seat.refresh_from_db()
    assert seat.last_lesson.slug == "first-steps"
    assert seat.first_opened_at is not None
    assert seat.progress.count() == 1


def test_the_first_opening_keeps_its_moment(client, seat):
    Enrolment.objects.update(first_opened_at=NOON)

    client.get(lesson_url("first-steps"))

    seat.refresh_from_db()
    assert seat.first_opened_at == NOON


def test_a_video_resumes_where_it_was_left_on_any_device(client, seat):
    client.post(lesson_url("the-loop", "position"), {"seconds": "41.7"})

    page = client.get(lesson_url("the-loop")).content.decode()

    assert 'data-resume-at="41"' in page
    assert "video.mp4#t=41" in page


@pytest.mark.parametrize(("sent", "kept"), [("0", 0), ("99.9", 99), ("100", 100), ("5000", 100)])
def test_a_position_is_kept_within_the_video(client, seat, sent, kept):
    response = client.post(lesson_url("the-loop", "position"), {"seconds": sent})

    assert response.status_code == 204
    assert Progress.objects.get().position_seconds == kept


@pytest.mark.parametrize("sent", ["-1", "", "soon", "nan", "inf", "1e9"])
def test_a_position_that_is_none_is_refused(client, seat, sent):
    assert client.post(lesson_url("the-loop", "position"), {"seconds": sent}).status_code == 400
    assert not Progress.objects.exists()


def test_a_position_costs_one_write(client, seat, django_assert_max_num_queries):
    client.get(lesson_url("the-loop"))

    with django_assert_max_num_queries(6) as queries:
        client.post(lesson_url("the-loop", "position"), {"seconds": "5"})

    writes = [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE"))]
    assert len(writes) == 1


def test_a_video_left_at_its_end_starts_anew(client, seat):
    client.post(lesson_url("the-loop", "position"), {"seconds": "98"})

    assert 'data-resume-at="0"' in client.get(lesson_url("the-loop")).content.decode()


def test_a_lesson_is_marked_done_and_stays_open(client, seat):
    response = client.post(lesson_url("welcome", "done"), follow=True)

    assert response.redirect_chain == [(lesson_url("welcome"), 302)]
    assert "1 of 3 lessons done" in response.content.decode()
    assert "Mark as done" not in response.content.decode()


def test_the_first_time_done_counts(client, seat):
    client.post(lesson_url("welcome", "done"))
    Progress.objects.update(done_at=NOON)

    client.post(lesson_url("welcome", "done"))

    assert Progress.objects.get().done_at == NOON


def test_marking_done_can_go_on_to_the_next_lesson(client, seat):
    response = client.post(lesson_url("welcome", "done"), {"go_on": "1"})

    assert response.url == lesson_url("first-steps")


@pytest.mark.parametrize(
    ("done_before", "words"),
    [(["welcome", "first-steps"], "Everything in this course is done"), ([], "Some earlier ones are still open")],
)
def test_after_the_last_lesson_comes_the_course_page(client, seat, done_before, words):
    for slug in done_before:
        client.post(lesson_url(slug, "done"))

    response = client.post(lesson_url("the-loop", "done"), {"go_on": "1"}, follow=True)

    assert response.redirect_chain == [(COURSE_URL, 302)]
    assert words in response.content.decode()


def test_the_player_shows_the_video_with_captions_and_transcript(client, seat):
    page = client.get(lesson_url("the-loop")).content.decode()

    assert '<track kind="captions" srclang="en"' in page
    assert "Breathe out." in page
    assert 'rel="prev"' in page
    assert 'rel="next"' not in page


def test_lengths_are_told_in_the_way_of_each_kind(client, seat):
    Lesson.objects.filter(slug="welcome").update(seconds=130)

    page = client.get(COURSE_URL).content.decode()

    assert '<span class="time">1:40</span>' in page
    assert '<span class="time">2 min</span>' in page


def test_the_described_version_is_offered_where_there_is_one(client, seat):
    plain = client.get(lesson_url("the-loop")).content.decode()
    Lesson.objects.filter(slug="the-loop").update(described_video="lessons/described.mp4")

    offered = client.get(lesson_url("the-loop")).content.decode()
    described = client.get(lesson_url("the-loop") + "?described=1").content.decode()

    assert "audio description" not in plain
    assert "Watch with audio description" in offered
    assert "/described.mp4" in described
    assert "/video.mp4" not in described


def test_a_public_course_says_that_it_is_no_care(client, seat):
    assert clinic_identity().care_notice == ""
    public = client.get(lesson_url("welcome")).content.decode()
    seat.course.audience = "professional"
    seat.course.save()

    professional = client.get(lesson_url("welcome")).content.decode()

    assert "not a substitute for care" in public
    assert "not a substitute for care" not in professional


def test_learner_pages_are_never_kept(client, seat):
    for address in ["/learn/", COURSE_URL, lesson_url("welcome")]:
        assert "no-store" in client.get(address).headers["Cache-Control"]


def _queries(client, address, assert_max):
    client.get(address)
    with assert_max(12) as queries:
        client.get(address)
    return len(queries)


@pytest.mark.parametrize("page", ["/learn/", COURSE_URL, "/learn/undoing-depression/the-loop/"])
def test_learner_pages_cost_the_same_with_3_and_with_300_lessons(client, seat, page, django_assert_max_num_queries):
    few = _queries(client, page, django_assert_max_num_queries)
    for _ in range(9):
        section = seat.edition.sections.create(title="More")
        LessonFactory.create_batch(33, section=section, position=4)
    for lesson in Lesson.objects.all():
        Progress.objects.get_or_create(
            enrolment=seat, lesson=lesson, defaults={"first_seen_at": NOON, "last_seen_at": NOON}
        )

    many = _queries(client, page, django_assert_max_num_queries)

    assert many == few


def test_my_learning_costs_the_same_with_1_course_and_with_10(client, seat, django_assert_max_num_queries):
    few = _queries(client, "/learn/", django_assert_max_num_queries)
    for _ in range(9):
        EnrolmentFactory(learner=seat.learner)

    assert _queries(client, "/learn/", django_assert_max_num_queries) == few


def _seat_tag(rf, user, course):
    request = rf.get("/")
    request.user = user
    return Template("{% load seats %}{% seat course %}").render(Context({"request": request, "course": course})).strip()


def test_a_course_page_tells_its_learner_to_continue(rf, seat, django_assert_num_queries):
    with django_assert_num_queries(1):
        shown = _seat_tag(rf, seat.learner, seat.course)

    assert "You have a seat in this course" in shown
    assert f'href="{COURSE_URL}"' in shown


def test_a_course_page_tells_others_nothing(rf, seat, django_assert_num_queries):
    from django.contrib.auth.models import AnonymousUser

    assert _seat_tag(rf, UserFactory(), seat.course) == ""
    assert _seat_tag(rf, seat.learner, CourseFactory()) == ""
    with django_assert_num_queries(0):
        assert _seat_tag(rf, AnonymousUser(), seat.course) == ""


def test_a_seat_whose_term_runs_says_until_when(client, seat):
    Enrolment.objects.update(access_ends_at=timezone.now() + timedelta(days=30))

    assert "Yours until" in client.get("/learn/").content.decode()
