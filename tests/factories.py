"""Rows for tests: set only what the test is about; nothing here surprises."""

from datetime import UTC, datetime

import factory
from django.core.files.base import ContentFile
from factory.django import DjangoModelFactory

from accounts.models import Person, User
from coupons.models import Coupon
from courses.models import Bundle, BundledCourse, Course, Edition, Lesson, Section, Topic
from credits.publishing import publish
from enrolments.models import Enrolment

NOON = datetime(2026, 5, 14, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"learner{n}@example.org")
    password = factory.django.Password("correct horse battery")

    @factory.post_generation
    def verified(self, create, extracted, **kwargs):
        """The address is proved, as after any real sign-in; ``verified=False`` leaves it unproved."""
        if create and extracted is not False:
            self.emailaddress_set.create(email=self.email, primary=True, verified=True)


class StaffFactory(UserFactory):
    email = factory.Sequence(lambda n: f"staff{n}@example.org")
    is_staff = True
    is_superuser = True


class PersonFactory(DjangoModelFactory):
    class Meta:
        model = Person

    slug = factory.Sequence(lambda n: f"person-{n}")
    name = "Imogen Hale"


class TopicFactory(DjangoModelFactory):
    class Meta:
        model = Topic

    slug = factory.Sequence(lambda n: f"topic-{n}")
    name = factory.Sequence(lambda n: f"Topic {n}")


class CourseFactory(DjangoModelFactory):
    """A published public course for 140.00 USD; ``taught=True`` gives it an edition with a preview and a paid lesson."""

    class Meta:
        model = Course
        skip_postgeneration_save = True

    slug = factory.Sequence(lambda n: f"course-{n}")
    title = factory.Sequence(lambda n: f"Course {n}")
    summary = "A course."
    audience = Course.Audience.PUBLIC
    price_cents = 140_00
    status = Course.Status.PUBLISHED
    published_at = LONG_AGO

    @factory.post_generation
    def taught(self, create, extracted, **kwargs):
        if create and extracted is not False:
            teach(self)


def teach(course: Course) -> Edition:
    """Give ``course`` a published edition: one section, a free text lesson and a paid one."""
    edition = Edition.objects.create(course=course, objectives=["Name one thing that helps."])
    edition.instructing.create(
        person=Person.objects.get_or_create(slug="imogen-hale", defaults={"name": "Imogen Hale"})[0]
    )
    section = Section.objects.create(edition=edition, title="Beginning")
    LessonFactory(section=section, position=1, slug="welcome", title="Welcome", is_preview=True)
    LessonFactory(section=section, position=2, slug="first-steps", title="First steps")
    publish(edition, at=LONG_AGO)
    course.refresh_from_db()
    return edition


class LessonFactory(DjangoModelFactory):
    class Meta:
        model = Lesson

    edition = factory.SelfAttribute("section.edition")
    slug = factory.Sequence(lambda n: f"lesson-{n}")
    title = factory.Sequence(lambda n: f"Lesson {n}")
    body = "<p>Some words to read.</p>"


class VideoLessonFactory(LessonFactory):
    """A lesson with a tiny stand-in file for its video; its captions are real."""

    kind = Lesson.Kind.VIDEO
    video = factory.LazyFunction(lambda: ContentFile(bytes(range(256)) * 4, name="video.mp4"))
    captions = factory.LazyFunction(
        lambda: ContentFile(
            b"WEBVTT\n\n00:00.000 --> 00:02.000\nHello.\n\n00:02.000 --> 00:04.000\nBreathe out.\n", name="video.vtt"
        )
    )


class BundleFactory(DjangoModelFactory):
    class Meta:
        model = Bundle
        skip_postgeneration_save = True

    slug = factory.Sequence(lambda n: f"bundle-{n}")
    title = factory.Sequence(lambda n: f"Bundle {n}")
    summary = "A bundle."
    price_cents = 150_00
    status = Bundle.Status.PUBLISHED
    published_at = LONG_AGO

    @factory.post_generation
    def courses(self, create, extracted, **kwargs):
        for position, course in enumerate(extracted or []):
            BundledCourse.objects.create(bundle=self, course=course, position=position)


class CouponFactory(DjangoModelFactory):
    """Half off everything, without limits but one use per person."""

    class Meta:
        model = Coupon

    code = factory.Sequence(lambda n: f"half{n:04}off")
    percent_bp = 5000
    all_offers = True


class EnrolmentFactory(DjangoModelFactory):
    class Meta:
        model = Enrolment

    learner = factory.SubFactory(UserFactory)
    course = factory.SubFactory(CourseFactory)
    edition = factory.SelfAttribute("course.edition")
    origin = Enrolment.Origin.GRANTED
    enrolled_at = NOON
