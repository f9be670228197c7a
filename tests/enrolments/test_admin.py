import pytest

from enrolments.models import Progress
from foundation.acts import acts_on
from tests.factories import NOON, EnrolmentFactory, StaffFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/enrolments/enrolment/"


@pytest.fixture
def staff(client):
    client.force_login(StaffFactory())
    return client


def progress(enrolment):
    lesson = enrolment.edition.lessons.first()
    Progress.objects.create(enrolment=enrolment, lesson=lesson, first_seen_at=NOON, last_seen_at=NOON, done_at=NOON)


def test_the_list_shows_how_far_each_learner_is(staff):
    progress(EnrolmentFactory(learner__email="mara@example.org"))

    page = staff.get(LIST, {"q": "mara"}).content.decode()

    assert "mara@example.org" in page
    assert "1 / 2" in page


def test_the_list_costs_the_same_with_1_and_with_30_seats(staff, django_assert_max_num_queries):
    progress(EnrolmentFactory())
    with django_assert_max_num_queries(20) as few:
        staff.get(LIST)
    for _ in range(29):
        progress(EnrolmentFactory())

    with django_assert_max_num_queries(len(few)):
        staff.get(LIST)


@pytest.mark.parametrize(
    ("action", "before", "after", "words"),
    [
        ("put_on_hold", "active", "hold", "1 seat is on hold."),
        ("release", "hold", "active", "1 seat is open again."),
        ("end_now", "active", "ended", "1 seat ended."),
    ],
)
def test_staff_act_on_seats_and_each_act_is_logged(staff, action, before, after, words):
    enrolment = EnrolmentFactory(standing=before)

    response = staff.post(LIST, {"action": action, "_selected_action": [enrolment.pk]}, follow=True)

    enrolment.refresh_from_db()
    assert enrolment.standing == after
    assert words in response.content.decode()
    assert acts_on(enrolment).count() == 1


def test_an_act_that_changes_nothing_is_not_logged(staff):
    enrolment = EnrolmentFactory(standing="ended")

    response = staff.post(LIST, {"action": "put_on_hold", "_selected_action": [enrolment.pk]}, follow=True)

    assert "Nothing changed" in response.content.decode()
    assert not acts_on(enrolment).exists()


def test_a_changed_term_is_logged(staff):
    enrolment = EnrolmentFactory()

    staff.post(f"{LIST}{enrolment.pk}/change/", {"access_ends_at_0": "2027-01-01", "access_ends_at_1": "00:00"})

    enrolment.refresh_from_db()
    assert enrolment.access_ends_at is not None
    assert [act.deed for act in acts_on(enrolment)] == ["set the end of access"]


@pytest.mark.parametrize("door", ["add/", "{pk}/delete/"])
def test_seats_are_neither_made_nor_deleted_by_hand(staff, door):
    enrolment = EnrolmentFactory()

    assert staff.get(LIST + door.format(pk=enrolment.pk)).status_code == 403
