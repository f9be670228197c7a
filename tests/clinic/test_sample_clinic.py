from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from accounts.models import Person, User
from clinic.models import Page
from clinic.sample_clinic import COURSES, LEARNER, SIGN_INS, load
from coupons.models import Claim, Coupon
from coupons.pricing import quote
from coupons.refusals import Reason
from courses.measuring import seconds_of_lesson
from courses.models import Bundle, Course, Edition, FrequentQuestion, Lesson, Section, Topic
from enrolments.models import Enrolment, Progress
from foundation.models import ClinicIdentity, CrisisLine
from tests.factories import NOON

MODELS = [
    ClinicIdentity, CrisisLine, Page, Topic, Person, Course, Edition, Section, Lesson, FrequentQuestion, Bundle,
    Coupon, Claim, User, Enrolment, Progress,
]  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.fixture
def sample():
    load(at=NOON)


def rows():
    return {model.__name__: model.objects.count() for model in MODELS}


def test_loading_twice_makes_nothing_twice(sample):
    once = rows()

    assert load(at=NOON + timedelta(days=1)) == 0

    assert rows() == once
    assert all(once.values())


def test_what_a_person_changed_stays_changed(sample):
    Course.objects.filter(slug="undoing-depression").update(title="Undone")
    Coupon.objects.filter(code="changeways70").update(is_active=False)

    load(at=NOON)

    assert Course.objects.get(slug="undoing-depression").title == "Undone"
    assert not Coupon.objects.get(code="changeways70").is_active


def test_what_is_missing_comes_back(sample):
    Coupon.objects.get(code="what40off").delete()

    assert load(at=NOON) == 1

    assert list(Coupon.objects.get(code="what40off").offers.values_list("slug", flat=True)) == ["what-is-depression"]


def test_a_second_load_is_quick(sample, django_assert_max_num_queries):
    with django_assert_max_num_queries(60):
        load(at=NOON)


def test_a_real_site_refuses_it(settings):
    settings.DEMO = False

    with pytest.raises(CommandError, match="only in demo mode"):
        call_command("load_sample_clinic")

    assert not any(rows().values())


def test_the_command_says_what_it_did(capsys):
    call_command("load_sample_clinic")
    call_command("load_sample_clinic")

    assert capsys.readouterr().out == "Sample clinic: 17 offers, codes and people added.\nSample clinic: all there.\n"


def test_every_course_can_be_bought_and_its_length_is_measured(sample):
    courses = Course.objects.visible(at=NOON).select_related("edition")

    assert [course.slug for course in courses] == COURSES
    for course in courses:
        lessons = list(course.edition.lessons.all())
        assert [lesson.position for lesson in lessons] == list(range(1, len(lessons) + 1))
        assert all(lesson.seconds == seconds_of_lesson(lesson) > 0 for lesson in lessons), course
        assert course.edition.seconds == sum(lesson.seconds for lesson in lessons)
        assert course.edition.lesson_count == len(lessons)
        assert any(lesson.is_preview for lesson in lessons), f"{course} has no free preview"


def test_every_video_has_its_captions_and_picture(sample):
    videos = Lesson.objects.filter(kind=Lesson.Kind.VIDEO)

    assert videos.count() >= 2
    assert all(lesson.video.size and lesson.captions.size and lesson.poster.size for lesson in videos)
    assert sum(lesson.video.size + lesson.captions.size + lesson.poster.size for lesson in videos) < 2_000_000


def test_one_course_is_on_sale_until_the_thirtieth_day_is_over(sample):
    course = Course.objects.get(slug="what-causes-depression")
    midnight_in_vancouver = datetime(2026, 6, 14, 7, 0, tzinfo=UTC)

    assert course.price(at=midnight_in_vancouver - timedelta(seconds=1)).cents == 15_00
    assert course.price(at=midnight_in_vancouver).cents == 20_00


@pytest.mark.parametrize(
    ("slug", "code", "cents"),
    [
        ("undoing-depression", "", 140_00),
        ("undoing-depression", "changeways70", 70_00),
        ("undoing-depression", "Change-Ways 70", 70_00),
        ("what-is-depression", "what40off", 12_00),
        ("what-is-depression", "launch25", 5_00),
        ("how-to-buy-happiness", "launch25", 5_00),
        ("breathing-made-easy", "launch25", 5_00),
        ("what-causes-depression", "launch25", 5_00),
        ("how-to-buy-happiness", "welcome-gift", 0),
        ("diagnosing-depression", "pro20", 76_00),
        ("cbt-group-treatment", "pro20", 176_00),
    ],
)
def test_codes_keep_their_promise(sample, slug, code, cents):
    quoted = quote(offer=Course.objects.get(slug=slug), code=code, at=NOON)

    assert quoted.refusal is None
    assert quoted.total_cents == cents


@pytest.mark.parametrize(
    ("slug", "code", "reason"),
    [
        ("undoing-depression", "autumn15", Reason.EXPIRED),
        ("undoing-depression", "first10", Reason.EXHAUSTED),
        ("undoing-depression", "pro20", Reason.WRONG_COURSE),
        ("undoing-depression", "what40off", Reason.WRONG_COURSE),
    ],
)
def test_each_refusal_can_be_seen(sample, slug, code, reason):
    quoted = quote(offer=Course.objects.get(slug=slug), code=code, at=NOON)

    assert quoted.refusal.reason == reason
    assert quoted.total_cents == quoted.subtotal_cents


def test_the_bundle_is_cheaper_than_its_courses(sample):
    bundle = Bundle.objects.visible(at=NOON).get()
    apart = sum(course.price(at=NOON).cents for course in bundle.courses.all())

    assert quote(offer=bundle, at=NOON).total_cents == 135_00 < apart


def test_counters_of_codes_equal_their_claims(sample):
    for coupon in Coupon.objects.all():
        assert coupon.used == coupon.claims.active().count()
        assert coupon.spent_cents == sum(claim.discount_cents for claim in coupon.claims.active())
    assert Coupon.objects.filter(used=F("max_total")).exists()


def test_people_can_sign_in_and_the_learner_has_begun(client, sample):
    assert all(User.objects.get(email=who.email).check_password(who.password) for who in SIGN_INS)
    seat = Enrolment.objects.get(learner__email=LEARNER.email)

    assert seat.edition == seat.course.edition
    assert seat.progress.filter(done_at__isnull=False).count() == 1
    assert seat.last_lesson.position == 2


@pytest.mark.parametrize(
    ("words", "slug"),
    [("undoing", "undoing-depression"), ("welcome", "undoing-depression"), ("happiness", "how-to-buy-happiness")],
)
def test_search_finds_courses_by_title_and_by_lesson(sample, words, slug):
    assert slug in [course.slug for course in Course.objects.all().search(words)]
