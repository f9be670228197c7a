import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from courses.models import Course
from credits.publishing import publish
from enrolments.access import open_enrolment_for, owned_course_ids
from enrolments.enrolling import AlreadyEnrolled, end, enrol, hold, unhold
from enrolments.models import Enrolment
from tests.factories import LONG_AGO, NOON, CourseFactory, EnrolmentFactory, LessonFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_a_seat_is_pinned_to_the_edition_taught_when_it_was_given():
    learner, course = UserFactory(), CourseFactory()

    enrolment = enrol(learner=learner, course=course, origin=Enrolment.Origin.BOUGHT, at=NOON)
    later = course.editions.create(number=2, objectives=["More."])
    later.instructing.create(person=enrolment.edition.instructing.get().person)
    LessonFactory(section=later.sections.create(title="Anew"))
    publish(later, at=NOON)

    enrolment.refresh_from_db()
    assert enrolment.edition.number == 1
    assert (enrolment.origin, enrolment.standing, enrolment.enrolled_at) == ("bought", "active", NOON)


@pytest.mark.parametrize("standing", ["active", "hold"])
def test_a_second_seat_in_the_same_course_is_refused_in_words_for_people(standing):
    taken = EnrolmentFactory(standing=standing, course__title="UnDoing Depression")

    with pytest.raises(AlreadyEnrolled, match="already have a seat in “UnDoing Depression”"):
        enrol(learner=taken.learner, course=taken.course, origin="bought", at=NOON)


def test_a_refusal_leaves_the_transaction_around_it_usable():
    taken = EnrolmentFactory()
    other = CourseFactory()

    with transaction.atomic():
        with pytest.raises(AlreadyEnrolled):
            enrol(learner=taken.learner, course=taken.course, origin="bought", at=NOON)
        enrol(learner=taken.learner, course=other, origin="bought", at=NOON)

    assert owned_course_ids(taken.learner, at=NOON) == {taken.course_id, other.pk}


def test_one_can_come_back_after_the_seat_ended():
    earlier = EnrolmentFactory()
    end(earlier, at=NOON)

    again = enrol(learner=earlier.learner, course=earlier.course, origin="bought", at=NOON + timedelta(days=1))

    assert open_enrolment_for(earlier.learner, earlier.course, NOON + timedelta(days=1)) == again


def test_one_can_come_back_after_the_term_ran_out_and_the_old_seat_ends_with_its_term():
    term_end = NOON + timedelta(days=30)
    earlier = EnrolmentFactory(access_ends_at=term_end)

    again = enrol(learner=earlier.learner, course=earlier.course, origin="bought", at=term_end)

    earlier.refresh_from_db()
    assert (earlier.standing, earlier.ended_at) == ("ended", term_end)
    assert again.standing == "active"


def test_a_course_without_an_edition_gives_no_seat():
    with pytest.raises(ValueError, match="no published edition"):
        enrol(learner=UserFactory(), course=CourseFactory(taught=False), origin="granted", at=NOON)


def test_the_database_refuses_two_standing_seats():
    taken = EnrolmentFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        EnrolmentFactory(learner=taken.learner, course=taken.course)


def test_ending_keeps_its_first_moment():
    enrolment = EnrolmentFactory()

    assert end(enrolment, at=NOON) is True
    assert end(enrolment, at=NOON + timedelta(days=1)) is False

    assert (enrolment.standing, enrolment.ended_at) == ("ended", NOON)


@pytest.mark.parametrize(
    ("standing", "deed", "done", "after"),
    [
        ("active", hold, True, "hold"),
        ("hold", hold, False, "hold"),
        ("ended", hold, False, "ended"),
        ("hold", unhold, True, "active"),
        ("active", unhold, False, "active"),
        ("ended", unhold, False, "ended"),
    ],
)
def test_holding_and_letting_go_never_revive_an_ended_seat(standing, deed, done, after):
    enrolment = EnrolmentFactory(standing=standing)

    assert deed(enrolment) is done
    assert enrolment.standing == after


@pytest.mark.parametrize(
    ("standing", "term_end", "owned", "is_open"),
    [
        ("active", None, True, True),
        ("active", NOON + timedelta(seconds=1), True, True),
        ("active", NOON, False, False),
        ("hold", None, True, False),
        ("hold", NOON, True, False),
        ("ended", None, False, False),
    ],
)
def test_what_is_owned_and_what_is_open(standing, term_end, owned, is_open):
    enrolment = EnrolmentFactory(standing=standing, access_ends_at=term_end, enrolled_at=LONG_AGO)

    assert (enrolment.course_id in owned_course_ids(enrolment.learner, at=NOON)) is owned
    assert (open_enrolment_for(enrolment.learner, enrolment.course, NOON) == enrolment) is is_open


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_payments_at_the_same_moment_make_one_seat():
    learner, course = UserFactory(), CourseFactory()
    start, outcomes = threading.Barrier(8), []

    def try_to_enrol():
        start.wait()
        try:
            enrol(learner=learner, course=Course.objects.get(pk=course.pk), origin="bought", at=NOON)
            outcomes.append("enrolled")
        except AlreadyEnrolled:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=try_to_enrol) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["enrolled"] + ["refused"] * 7
    assert Enrolment.objects.filter(learner=learner, course=course).count() == 1
