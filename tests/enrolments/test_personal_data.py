import pytest

from enrolments.models import Progress
from enrolments.personal_data import erase, export
from tests.factories import NOON, EnrolmentFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def seat():
    seat = EnrolmentFactory(course__title="UnDoing Depression")
    seat.last_lesson = seat.edition.lessons.first()
    seat.save()
    Progress.objects.create(
        enrolment=seat, lesson=seat.last_lesson, first_seen_at=NOON, last_seen_at=NOON, position_seconds=7
    )
    return seat


def test_my_data_holds_my_seats_and_how_far_i_came(seat):
    EnrolmentFactory()

    data = export(seat.learner)

    assert [row["course"] for row in data["enrolments"]] == ["UnDoing Depression"]
    assert [(row["lesson"], row["position_seconds"]) for row in data["progress"]] == [("Welcome", 7)]


def test_whoever_has_no_seat_has_nothing_here():
    assert export(UserFactory()) == {"enrolments": [], "progress": []}


def test_erasing_forgets_what_was_looked_at_and_closes_the_seat(seat):
    erase(seat.learner, at=NOON)

    seat.refresh_from_db()
    assert (seat.standing, seat.ended_at, seat.last_lesson) == ("ended", NOON, None)
    assert not Progress.objects.exists()


def test_erasing_one_person_leaves_the_others(seat):
    erase(UserFactory(), at=NOON)

    seat.refresh_from_db()
    assert seat.standing == "active"
    assert Progress.objects.count() == 1
