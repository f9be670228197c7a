"""What each course of a bundle costs inside it; the one place where a bundle's price is put together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from courses.models import Bundle, Course, Price
from foundation.money import split


@dataclass(frozen=True)
class Share:
    """A course's part of a bundle's price: regularly, and today."""

    course: Course
    plain_cents: int
    cents: int


def shares_of(bundle: Bundle, courses: Sequence[Course], *, at: datetime) -> list[Share]:
    """``bundle``'s price parted by its ``courses``' list prices. Nothing costs more inside than it does alone. No query."""
    weights = [course.price_cents for course in courses]
    today = bundle.price(at=at)
    parts = zip(courses, split(today.list_cents, weights), split(today.cents, weights), strict=True)
    return [
        Share(course, min(plain, course.price_cents), min(cents, course.price(at=at).cents))
        for course, plain, cents in parts
    ]


def price_of_bundle(bundle: Bundle, courses: Sequence[Course], *, at: datetime) -> Price:
    """What the whole ``bundle`` costs whoever owns none of its ``courses``. No query."""
    shares = shares_of(bundle, courses, at=at)
    plain, cents = sum(share.plain_cents for share in shares), sum(share.cents for share in shares)
    return Price(plain, cents, bundle.price(at=at).sale_ends_at)
