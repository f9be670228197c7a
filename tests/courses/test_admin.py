"""The catalogue as staff run it."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from courses.models import Bundle, Course, Edition, Offer
from courses.search import matching
from foundation.acts import acts_on
from tests.factories import (
    BundleFactory,
    CourseFactory,
    LessonFactory,
    PersonFactory,
    StaffFactory,
    TopicFactory,
    VideoLessonFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client):
    client.force_login(StaffFactory())
    return client


def course_data(**changes) -> dict:
    """What the course form sends, as a browser would."""
    empty = {f"questions-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    data = {
        "title": "Calm", "slug": "calm", "summary": "Slow down.", "lede": "", "description": "", "position": "0",
        "audience": "public", "currency": "usd", "price_cents": "2000", "sale_price_cents": "", "status": "draft",
        "sale_starts_at_0": "", "sale_starts_at_1": "", "sale_ends_at": "",
        "published_at_0": "", "published_at_1": "",
    }  # fmt: skip
    return data | empty | changes


def said(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


@pytest.mark.parametrize("model", ["topic", "course", "bundle", "edition", "lesson"])
def test_lists_and_forms_open(staff, model):
    course = CourseFactory()
    course.topics.add(TopicFactory())
    BundleFactory(courses=[course])
    row = {
        "topic": course.topics.first, "course": lambda: course, "bundle": lambda: course.bundles.first(),
        "edition": lambda: course.edition, "lesson": course.edition.lessons.first,
    }[model]()  # fmt: skip

    for address in [
        reverse(f"admin:courses_{model}_changelist"),
        reverse(f"admin:courses_{model}_changelist") + "?q=course",
        reverse(f"admin:courses_{model}_add"),
        reverse(f"admin:courses_{model}_change", args=[row.pk]),
    ]:
        if "?q=" in address and model == "topic":
            address = address.replace("q=course", "q=topic")
        assert staff.get(address).status_code == 200


@pytest.mark.parametrize("model", ["course", "bundle", "edition", "lesson"])
def test_lists_cost_the_same_with_many_rows(staff, model, django_assert_max_num_queries):
    address = reverse(f"admin:courses_{model}_changelist")

    def ask() -> int:
        with django_assert_max_num_queries(25) as asked:
            staff.get(address)
        return len(asked)

    BundleFactory(courses=[CourseFactory()])
    staff.get(address)
    few = ask()
    for _ in range(5):
        BundleFactory(courses=[CourseFactory()])

    # The lesson list's filter by edition names each of them.
    assert ask() - few <= (5 if model == "lesson" else 0)


def test_staff_write_objectives_one_on_a_line(staff):
    course = CourseFactory(taught=False)
    data = {
        "course": course.pk, "number": "1", "level": "introductory", "disclosure": "", "reviewed_on": "",
        "objectives": "Breathe slowly.\n\n  Sleep better. ", "references": "",
    }  # fmt: skip
    for inline in ("instructing", "sections", "lessons"):
        data |= {f"{inline}-TOTAL_FORMS": "0", f"{inline}-INITIAL_FORMS": "0"}

    staff.post(reverse("admin:courses_edition_add"), data)

    assert Edition.objects.get().objectives == ["Breathe slowly.", "Sleep better."]


def test_a_course_without_an_edition_cannot_be_published(staff):
    course = CourseFactory(taught=False, status="draft")

    response = staff.post(
        reverse("admin:courses_course_change", args=[course.pk]),
        course_data(status="published", published_at_0="2026-05-01", published_at_1="12:00"),
    )

    assert "There is nothing to learn in it yet." in response.content.decode()
    course.refresh_from_db()
    assert course.status == Offer.Status.DRAFT


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sale_price_cents": "2000"}, "A sale price is lower than the list price."),
        ({"sale_price_cents": "1000", "sale_starts_at_0": "2026-05-02", "sale_starts_at_1": "00:00",
          "sale_ends_at": "2026-05-01"}, "A sale ends after it starts."),
        ({"slug": "taken"}, "already exists"),
    ],
)  # fmt: skip
def test_a_mistake_is_explained(staff, changes, words):
    CourseFactory(slug="taken")
    course = CourseFactory(slug="calm")

    response = staff.post(reverse("admin:courses_course_change", args=[course.pk]), course_data(**changes))

    assert words in response.content.decode()


def test_a_change_of_price_is_written_down(staff):
    course = CourseFactory(title="Calm", slug="calm", price_cents=20_00, status="draft")
    address = reverse("admin:courses_course_change", args=[course.pk])

    staff.post(address, course_data(title="Calmer"))
    assert not acts_on(course).exists()

    staff.post(address, course_data(title="Calmer", price_cents="2500", sale_price_cents="1500"))
    act = acts_on(course).get()
    assert (act.deed, act.reason) == ("price changed", "list US$25.00, now US$15.00")


def test_a_sale_holds_until_the_end_of_its_last_day_in_the_clinics_zone(staff, settings):
    settings.TIME_ZONE = "America/Vancouver"
    course = CourseFactory(slug="calm")
    address = reverse("admin:courses_course_change", args=[course.pk])

    staff.post(address, course_data(sale_price_cents="1500", sale_ends_at="2026-05-14"))

    course.refresh_from_db()
    assert course.sale_ends_at == datetime(2026, 5, 15, 7, 0, tzinfo=UTC)
    assert 'name="sale_ends_at" value="2026-05-14"' in staff.get(address).content.decode()


@pytest.mark.parametrize(
    ("day", "ends_at"),
    [("2026-05-14", datetime(2026, 5, 14, 15, 30, tzinfo=UTC)), ("2026-05-15", datetime(2026, 5, 16, tzinfo=UTC))],
    ids=["left as it was", "another day"],
)
def test_a_sale_that_ends_at_some_hour_keeps_it_until_its_day_is_changed(staff, settings, day, ends_at):
    settings.TIME_ZONE = "UTC"
    course = CourseFactory(slug="calm", sale_price_cents=15_00, sale_ends_at=datetime(2026, 5, 14, 15, 30, tzinfo=UTC))

    staff.post(
        reverse("admin:courses_course_change", args=[course.pk]),
        course_data(title="Calmer", sale_price_cents="1500", sale_ends_at=day),
    )

    course.refresh_from_db()
    assert (course.title, course.sale_ends_at) == ("Calmer", ends_at)


@pytest.mark.parametrize(
    ("status", "inside", "is_saved"),
    [("published", 0, False), ("published", 1, False), ("published", 2, True), ("draft", 0, True)],
)
def test_a_bundle_is_published_with_two_courses_or_more(staff, status, inside, is_saved):
    rows = {"bundled-TOTAL_FORMS": str(inside), "bundled-INITIAL_FORMS": "0"}
    for number in range(inside):
        rows |= {f"bundled-{number}-course": str(CourseFactory().pk), f"bundled-{number}-position": str(number)}

    response = staff.post(
        reverse("admin:courses_bundle_add"),
        course_data(status=status, published_at_0="2026-05-01", published_at_1="12:00") | rows,
    )

    assert Bundle.objects.exists() == is_saved
    assert is_saved or "A bundle is several courses" in response.content.decode()


def test_the_courses_of_a_published_bundle_are_not_taken_out_of_it(staff):
    bundle = BundleFactory(courses=[CourseFactory(), CourseFactory()])
    kept, taken = bundle.bundled.all()
    rows = {"bundled-TOTAL_FORMS": "2", "bundled-INITIAL_FORMS": "2", "bundled-1-DELETE": "on"}
    for number, row in enumerate([kept, taken]):
        rows |= {f"bundled-{number}-id": str(row.pk), f"bundled-{number}-bundle": str(bundle.pk)}
        rows |= {f"bundled-{number}-course": str(row.course_id), f"bundled-{number}-position": str(number)}

    staff.post(
        reverse("admin:courses_bundle_change", args=[bundle.pk]),
        course_data(status="published", published_at_0="2026-05-01", published_at_1="12:00") | rows,
    )

    assert bundle.bundled.count() == 2


def test_publishing_makes_the_course_teach_it_and_findable_by_it(staff):
    course = CourseFactory(taught=False)
    edition = course.editions.create(objectives=["Recognise rumination."])
    edition.instructing.create(person=PersonFactory())
    LessonFactory(section=edition.sections.create(title="One"), body="<p>" + "word " * 400 + "</p>")

    response = staff.post(
        reverse("admin:courses_edition_changelist"),
        {"action": "publish", "_selected_action": [edition.pk]},
        follow=True,
    )

    course.refresh_from_db()
    assert said(response) == [f"{edition} is published."]
    assert (course.edition, course.edition.seconds) == (edition, 120)
    assert matching("rumination", Course.objects.all()) == [course.pk]
    assert acts_on(edition).get().deed == "edition published"


def test_publishing_says_what_is_missing(staff):
    course = CourseFactory(taught=False)
    edition = course.editions.create()
    VideoLessonFactory(section=edition.sections.create(title="One"), title="Film", captions="")

    response = staff.post(
        reverse("admin:courses_edition_changelist"),
        {"action": "publish", "_selected_action": [edition.pk]},
        follow=True,
    )

    assert said(response) == [
        f"{edition}: Say what people will be able to do: at least one objective.",
        f"{edition}: Name at least one instructor.",
        f"{edition}: “Film” has no captions. Every video needs them.",
    ]
    course.refresh_from_db()
    assert course.edition is None


def test_a_new_course_can_be_made_from_the_form_alone(staff):
    topic = TopicFactory()

    response = staff.post(reverse("admin:courses_course_add"), course_data(topics=[topic.pk]))

    assert response.status_code == 302, response.context["errors"]
    course = Course.objects.get(slug="calm")
    assert list(course.topics.all()) == [topic]
    assert not course.is_visible(at=timezone.now())
