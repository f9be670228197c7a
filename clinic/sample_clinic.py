"""The sample clinic: Larkwater, with courses, codes and sign-ins to try. It exists only in demo mode.

Loading is safe to repeat: each thing is known by its slug, code or address, is made when it is missing, and is left
as it stands when it is there.
"""

import tomllib
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from modelsearch import index

from accounts.models import Person, User
from clinic.models import Page
from coupons.buyer import buyer_key
from coupons.models import Claim, Coupon
from courses.models import Bundle, Course, Edition, Lesson, Section, Topic
from credits.publishing import publish
from enrolments.models import Enrolment
from foundation.models import ClinicIdentity, CrisisLine

CONTENT = Path(__file__).resolve().parent / "sample"

# In the order of the catalogue; the folders of sample/courses bear these names.
COURSES = [
    "undoing-depression",
    "what-is-depression",
    "what-causes-depression",
    "how-to-buy-happiness",
    "breathing-made-easy",
    "diagnosing-depression",
    "cbt-group-treatment",
]
SALE = timedelta(days=30)

# The pages of clinic.toml: slug, title, key, sentence for search engines.
PAGES = [
    ("privacy", "Privacy", "privacy_html", "What we keep about you, why, and how to see or delete it."),
    ("terms", "Terms", "terms_html", "What you buy, what we ask of you, and what a course is not."),
    ("refunds", "Refunds", "refund_policy_html", "Thirty days, in full: how to ask for your money back."),
    ("accessibility", "Accessibility", "accessibility_html", "What we aim for, and whom to tell if something is in your way."),
    ("grievance", "Grievance policy", "grievance_html", "How to complain, and when you will have an answer."),
]  # fmt: skip


@dataclass(frozen=True)
class SignIn:
    """Somebody as whom a visitor of the demo may sign in."""

    who: str
    email: str
    password: str


LEARNER = SignIn("learner", "learner@larkwater.example", "steady-little-steps")
STAFF = SignIn("staff", "staff@larkwater.example", "kettle-on-at-seven")
SIGN_INS = [LEARNER, STAFF]

FIRST_BUYER = "first.buyer@larkwater.example"


class OnlyInDemo(Exception):
    """A real site has no sample data and no known passwords."""


def load(*, at: datetime) -> int:
    """Make what the sample clinic lacks at ``at``; says how many offers, codes and people were made.

    :raises OnlyInDemo: this is a real site.
    """
    if not settings.DEMO:
        raise OnlyInDemo("The sample clinic is loaded only in demo mode, and this is a real site (SECRET_KEY is set).")

    with transaction.atomic():
        _load_identity()
        _load_topics_and_people()
    made = sum(_load_course(slug, position, at) for position, slug in enumerate(COURSES, start=1))
    with transaction.atomic():
        made += _load_bundle(at)
        made += _load_coupons(at)
        made += _load_accounts(at)
    return made


def _read(name: str) -> dict:
    return tomllib.loads((CONTENT / name).read_text())


def _load_identity() -> None:
    clinic = _read("clinic.toml")
    ClinicIdentity.objects.get_or_create(
        only=True,
        defaults={
            "address": "\n".join(clinic["address_lines"]),
            **{
                key: clinic[key]
                for key in ("name", "tagline", "legal_name", "provider_line", "email", "phone", "care_notice")
            },
        },
    )
    for position, line in enumerate(clinic["crisis_lines"]):
        CrisisLine.objects.get_or_create(label=line["label"], defaults={"position": position, **line})
    for slug, title, key, summary in PAGES:
        Page.objects.get_or_create(slug=slug, defaults={"title": title, "summary": summary, "body": clinic[key]})


def _load_topics_and_people() -> None:
    for position, topic in enumerate(_read("topics.toml")["topics"]):
        Topic.objects.get_or_create(slug=topic["slug"], defaults={"position": position, **topic})
    for person in _read("people.toml")["people"]:
        Person.objects.get_or_create(slug=person["slug"], defaults=person)


def _load_course(slug: str, position: int, at: datetime) -> bool:
    if Course.objects.filter(slug=slug).exists():
        return False
    told = _read(f"courses/{slug}/course.toml")
    # A week apart, so that the feed of new courses has an order.
    published_at = at - timedelta(weeks=position)
    with transaction.atomic():
        course = Course.objects.create(
            slug=slug,
            position=position,
            audience=told["audience"],
            sale_price_cents=told.get("sale_price_cents"),
            sale_ends_at=_end_of_day(at + SALE) if "sale_price_cents" in told else None,
            is_sensitive=told["sensitive"],
            **_offer_words(told, published_at),
        )
        course.topics.set(Topic.objects.filter(slug__in=told["topics"]))
        _ask(course, told["questions"])
        edition = Edition.objects.create(
            course=course,
            level=told["level"],
            objectives=told["objectives"],
            references=told["references"],
            disclosure=told["disclosure"],
            reviewed_on=told["reviewed_on"],
        )
        for place, person in enumerate(told["instructors"]):
            edition.instructing.create(person=Person.objects.get(slug=person), position=place)
        _load_lessons(edition, told["sections"], CONTENT / "courses" / slug)
        publish(edition, at=published_at)
    # Saved before its edition and topics were there, it is indexed without their words until now.
    index.insert_or_update_object(Course.objects.get(pk=course.pk))
    return True


def _end_of_day(at: datetime) -> datetime:
    """The midnight after ``at`` in the clinic's zone, as staff mean a last day."""
    zone = timezone.get_default_timezone()
    return datetime.combine(timezone.localtime(at, zone).date() + timedelta(days=1), time.min, tzinfo=zone)


def _offer_words(told: dict, published_at: datetime) -> dict:
    return {
        "title": told["title"],
        "summary": told["summary"],
        "lede": told["lede"],
        "description": told.get("description_html", ""),
        "price_cents": told["price_cents"],
        "status": Course.Status.PUBLISHED,
        "published_at": published_at,
    }


def _ask(offer: Course | Bundle, questions: list[dict]) -> None:
    for position, question in enumerate(questions):
        offer.questions.create(position=position, **question)


def _load_lessons(edition: Edition, sections: list[dict], folder: Path) -> None:
    position = 0
    for place, told_section in enumerate(sections):
        section = Section.objects.create(edition=edition, title=told_section["title"], position=place)
        for told in told_section["lessons"]:
            position += 1
            lesson = Lesson(
                edition=edition,
                section=section,
                position=position,
                slug=told["slug"],
                title=told["title"],
                kind=told["kind"],
                is_preview=told["preview"],
                body=(folder / told["file"]).read_text() if "file" in told else "",
                download_title=told.get("download_title", ""),
            )
            if "video" in told:
                film = CONTENT / "media" / told["video"]
                _attach(lesson.video, film.with_suffix(".mp4"))
                _attach(lesson.captions, film.with_suffix(".vtt"))
                _attach(lesson.poster, film.with_suffix(".jpg"))
            if "download" in told:
                _attach(lesson.download, folder / told["download"])
            lesson.save()


def _attach(field: FieldFile, path: Path) -> None:
    with path.open("rb") as file:
        field.save(path.name, File(file), save=False)


def _load_bundle(at: datetime) -> bool:
    told = _read("bundle.toml")
    if Bundle.objects.filter(slug=told["slug"]).exists():
        return False
    bundle = Bundle.objects.create(
        slug=told["slug"], position=len(COURSES) + 1, **_offer_words(told, at - timedelta(days=1))
    )
    for position, slug in enumerate(told["courses"]):
        bundle.bundled.create(course=Course.objects.get(slug=slug), position=position)
    _ask(bundle, told.get("questions", []))
    return True


def _load_coupons(at: datetime) -> int:
    short_courses = ["what-is-depression", "how-to-buy-happiness", "breathing-made-easy", "what-causes-depression"]
    return sum(
        [
            _load_coupon("changeways70", 50, ["undoing-depression"], note="The code that readers of the blog know."),
            _load_coupon("what40off", 40, ["what-is-depression"], note="For people at the beginning."),
            _load_coupon("launch25", 75, short_courses, note="Opening offer: every short course for 5.00."),
            _load_coupon("welcome-gift", 100, ["how-to-buy-happiness"], note="A present: nothing is left to pay."),
            _load_coupon("pro20", 20, audience=Course.Audience.PROFESSIONAL, note="For colleagues; only on courses for professionals."),
            _load_coupon("autumn15", 15, starts_at=_end_of_day(at - timedelta(days=90)), ends_at=_end_of_day(at - timedelta(days=30)), note="Over: shows how an ended code is refused."),
            _load_used_up_coupon(at),
        ]
    )  # fmt: skip


def _load_coupon(code: str, percent: int, slugs: list[str] | None = None, **rules) -> bool:
    coupon, made = Coupon.objects.get_or_create(
        code=code, defaults={"percent_bp": percent * 100, "all_offers": slugs is None, "tag": "sample", **rules}
    )
    if made and slugs:
        coupon.offers.set(Course.objects.filter(slug__in=slugs))
    return made


def _load_used_up_coupon(at: datetime) -> bool:
    made = _load_coupon(
        "first10", 10, max_total=1, note="One use, and it is gone: shows how a used-up code is refused."
    )
    if made:
        coupon = Coupon.objects.get(code="first10")
        used_at = at - timedelta(days=20)
        discount = coupon.discount_on(Course.objects.get(slug="what-is-depression").price_cents)
        coupon.claims.create(
            buyer_key=buyer_key(address=FIRST_BUYER),
            slot=1,
            state=Claim.State.REDEEMED,
            discount_cents=discount,
            held_at=used_at,
            redeemed_at=used_at,
        )
        Coupon.objects.filter(pk=coupon.pk).update(used=1, spent_cents=discount)
    return made


def _load_accounts(at: datetime) -> int:
    made = 0
    if not User.objects.filter(email=STAFF.email).exists():
        staff = User.objects.create_superuser(
            STAFF.email, STAFF.password, display_name="Robin", legal_name="Robin Vale"
        )
        EmailAddress.objects.create(user=staff, email=STAFF.email, primary=True, verified=True)
        made += 1
    if not User.objects.filter(email=LEARNER.email).exists():
        learner = User.objects.create_user(LEARNER.email, LEARNER.password, display_name="Sam", legal_name="Sam Okafor")
        EmailAddress.objects.create(user=learner, email=LEARNER.email, primary=True, verified=True)
        _seat(learner, Edition.objects.get(course__slug="breathing-made-easy", number=1), at)
        made += 1
    return made


def _seat(learner: User, edition: Edition, at: datetime) -> None:
    """A seat with the first lesson done and the second begun."""
    opened_at = at - timedelta(days=2)
    done, begun = edition.lessons.all()[:2]
    seat = Enrolment.objects.create(
        learner=learner,
        course=edition.course,
        edition=edition,
        origin=Enrolment.Origin.GRANTED,
        enrolled_at=at - timedelta(days=3),
        first_opened_at=opened_at,
        last_lesson=begun,
    )
    later = opened_at + timedelta(minutes=20)
    seat.progress.create(lesson=done, first_seen_at=opened_at, last_seen_at=later, done_at=later)
    seat.progress.create(
        lesson=begun,
        first_seen_at=later,
        last_seen_at=later,
        position_seconds=min(12, begun.seconds) if begun.kind == Lesson.Kind.VIDEO else 0,
    )
