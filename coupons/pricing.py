"""The one price: ``quote()`` answers page, fragment, checkout, API and mail alike."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Q

from coupons.buyer import VISITOR, Buyer
from coupons.codes import code_key
from coupons.models import Claim, Coupon
from coupons.refusals import Reason, Refusal, refusal
from courses.bundles import shares_of
from courses.models import Bundle, BundledCourse, Course, Offer
from foundation.money import format_money, split

# Stripe charges nothing below this (USD and CAD); a smaller rest is waived.
SMALLEST_CHARGE_CENTS = 50


@dataclass(frozen=True)
class QuoteLine:
    """One course of the offer: cents before and after everything that was taken off."""

    course: Course
    list_cents: int
    total_cents: int

    @property
    def discount_cents(self) -> int:
        return self.list_cents - self.total_cents


@dataclass(frozen=True)
class Quote:
    """What ``offer`` costs this buyer now. ``total = subtotal - sale - coupon - waived``, all in cents, none negative."""

    offer: Offer
    lines: tuple[QuoteLine, ...]
    currency: str
    subtotal_cents: int
    sale_cents: int
    coupon_cents: int
    waived_cents: int
    total_cents: int
    applied: str  # "", "sale", "bundle" or "coupon": the best single offer, or "sale and coupon" where a coupon stacks
    ends_at: datetime | None  # until when this price holds, as far as it is known
    typed_code: str = ""
    coupon: Coupon | None = None
    refusal: Refusal | None = None

    @property
    def saved_cents(self) -> int:
        return self.subtotal_cents - self.total_cents

    @property
    def is_free(self) -> bool:
        return self.total_cents == 0

    @property
    def code(self) -> str:
        """The code that counts in this price, as staff wrote it."""
        return self.coupon.code if self.coupon else ""


def quote(*, offer: Offer, code: str = "", buyer: Buyer = VISITOR, at: datetime) -> Quote:
    """The price of ``offer`` for ``buyer`` at ``at``, with ``code`` if it helps.

    A code that cannot be used leaves the plain price and a ``refusal``. The lower of sale price and code counts, never
    both, unless the coupon stacks. Courses that the buyer owns are taken out of a bundle with their share of its price.
    """
    plain, current = _lines(offer, buyer, at=at)
    without = _quote_without(offer, plain, current, at=at)
    if not code.strip():
        return without

    coupon = _find(code)
    refused = _refusal(coupon, offer, buyer, without, at=at)
    if coupon is None or refused is not None:
        return replace(without, typed_code=code, refusal=refused)

    base = current if coupon.stackable_with_sale else plain
    with_code = _quote_with(coupon, without, base)
    if with_code.total_cents >= without.total_cents:
        return replace(without, typed_code=code, refusal=refusal(Reason.NOT_NEEDED))
    return replace(with_code, typed_code=code)


@dataclass(frozen=True)
class _Line:
    course: Course
    list_cents: int
    cents: int


def _lines(offer: Offer, buyer: Buyer, *, at: datetime) -> tuple[list[_Line], list[_Line]]:
    """What is charged for each course at the offer's regular price, and at today's."""
    if isinstance(offer, Course):
        price = offer.price(at=at)
        return [_Line(offer, price.list_cents, price.list_cents)], [_Line(offer, price.list_cents, price.cents)]

    assert isinstance(offer, Bundle)
    courses = [bundled.course for bundled in offer.bundled.select_related("course")]
    shares = [share for share in shares_of(offer, courses, at=at) if share.course.pk not in buyer.owned_courses]
    return (
        [_Line(share.course, share.course.price_cents, share.plain_cents) for share in shares],
        [_Line(share.course, share.course.price_cents, share.cents) for share in shares],
    )


def _quote_without(offer: Offer, plain: list[_Line], current: list[_Line], *, at: datetime) -> Quote:
    price = offer.price(at=at)
    subtotal = sum(line.list_cents for line in current)
    total = sum(line.cents for line in current)
    applied = ""
    if total < subtotal:
        applied = "bundle" if isinstance(offer, Bundle) else "sale"
    return _settled(
        Quote(
            offer=offer,
            lines=tuple(QuoteLine(line.course, line.list_cents, line.cents) for line in current),
            currency=offer.currency,
            subtotal_cents=subtotal,
            sale_cents=subtotal - total,
            coupon_cents=0,
            waived_cents=0,
            total_cents=total,
            applied=applied,
            ends_at=price.sale_ends_at,
        )
    )


def _quote_with(coupon: Coupon, without: Quote, base: list[_Line]) -> Quote:
    base_total = sum(line.cents for line in base)
    discount = coupon.discount_on(base_total)
    if coupon.budget_cents is not None:
        discount = min(discount, max(coupon.budget_cents - coupon.spent_cents, 0))
    shares = split(discount, [line.cents for line in base]) if base_total else [0] * len(base)
    on_sale = base_total < without.subtotal_cents
    ends = [moment for moment in (coupon.ends_at, without.ends_at if on_sale else None) if moment]
    return _settled(
        replace(
            without,
            lines=tuple(
                QuoteLine(line.course, line.list_cents, line.cents - share)
                for line, share in zip(base, shares, strict=True)
            ),
            sale_cents=without.subtotal_cents - base_total,
            coupon_cents=discount,
            waived_cents=0,
            total_cents=base_total - discount,
            applied=f"{'bundle' if isinstance(without.offer, Bundle) else 'sale'} and coupon" if on_sale else "coupon",
            ends_at=min(ends, default=None),
            coupon=coupon,
        )
    )


def _settled(quoted: Quote) -> Quote:
    """Waives a rest that is too small to be charged."""
    if not 0 < quoted.total_cents < SMALLEST_CHARGE_CENTS:
        return quoted
    return replace(
        quoted,
        waived_cents=quoted.total_cents,
        total_cents=0,
        lines=tuple(replace(line, total_cents=0) for line in quoted.lines),
    )


def _find(code: str) -> Coupon | None:
    key = code_key(code)
    return Coupon.objects.filter(code_key=key).first() if key else None


def _refusal(coupon: Coupon | None, offer: Offer, buyer: Buyer, without: Quote, *, at: datetime) -> Refusal | None:
    """Why ``coupon`` cannot be used. An unlisted one is unknown to everybody who does not already hold it."""
    if coupon is None or coupon.archived_at is not None:
        return refusal(Reason.UNKNOWN)
    mine = _claims_of(coupon, buyer)
    exact = _exact_refusal(coupon, offer, buyer, without, mine, at=at)
    if exact is not None and not coupon.listed and not mine:
        return refusal(Reason.UNKNOWN)
    return exact


def _claims_of(coupon: Coupon, buyer: Buyer) -> list[int]:
    if not buyer.key:
        return []
    return list(Claim.objects.active().filter(coupon=coupon, buyer_key=buyer.key).values_list("pk", flat=True))


def _exact_refusal(
    coupon: Coupon, offer: Offer, buyer: Buyer, without: Quote, mine: list[int], *, at: datetime
) -> Refusal | None:
    if not coupon.is_active:
        return refusal(Reason.EXPIRED)
    if coupon.starts_at is not None and at < coupon.starts_at:
        return refusal(Reason.NOT_STARTED, moment=coupon.starts_at)
    if coupon.ends_at is not None and at >= coupon.ends_at:
        # Staff mean the last day; the stored end is the midnight after it.
        return refusal(Reason.EXPIRED, moment=coupon.ends_at - timedelta(seconds=1))
    if not covers(coupon, offer):
        return refusal(Reason.WRONG_COURSE)
    if not _is_for(coupon, buyer):
        return refusal(Reason.WRONG_PERSON, anonymous=not buyer.email)
    others = [claim for claim in mine if claim not in buyer.holding]
    if coupon.max_per_person is not None and len(others) >= coupon.max_per_person:
        return refusal(Reason.USED_BY_YOU)
    if not (set(mine) & buyer.holding) and _is_used_up(coupon):
        return refusal(Reason.EXHAUSTED)
    if coupon.min_price_cents is not None and without.total_cents < coupon.min_price_cents:
        return refusal(Reason.BELOW_MINIMUM, money=format_money(coupon.min_price_cents, coupon.currency))
    return None


def _is_used_up(coupon: Coupon) -> bool:
    return (coupon.max_total is not None and coupon.used >= coupon.max_total) or (
        coupon.budget_cents is not None and coupon.spent_cents >= coupon.budget_cents
    )


def covers(coupon: Coupon, offer: Offer) -> bool:
    """Whether ``coupon`` is meant for ``offer`` at all: courses, topics, audience, currency. At most three queries."""
    if coupon.kind != Coupon.Kind.PERCENT and coupon.currency != offer.currency:
        return False
    if not coupon.all_offers:
        chosen = Q(pk=offer.pk, coupons=coupon)
        if isinstance(offer, Course):
            chosen |= Q(pk=offer.pk, course__topics__coupons=coupon)
        if not Offer.objects.filter(chosen).exists():
            return False
    if not coupon.audience:
        return True
    if isinstance(offer, Course):
        return offer.audience == coupon.audience
    return not Course.objects.filter(bundles=offer).exclude(audience=coupon.audience).exists()


def covered_offers(code: str, *, at: datetime) -> list[Offer]:
    """The visible courses and bundles that ``code`` is meant for; empty for an unknown one. At most three queries."""
    coupon = _find(code)
    if coupon is None or coupon.archived_at is not None:
        return []
    courses, bundles = Course.objects.visible(at=at).exclude(edition=None), Bundle.objects.visible(at=at)
    if not coupon.all_offers:
        courses = courses.filter(Q(coupons=coupon) | Q(topics__coupons=coupon)).distinct()
        bundles = bundles.filter(coupons=coupon)
    if coupon.audience:
        others = BundledCourse.objects.exclude(course__audience=coupon.audience).values("bundle")
        courses, bundles = courses.filter(audience=coupon.audience), bundles.exclude(pk__in=others)
    return [
        offer
        for offer in [*courses, *bundles]
        if coupon.kind == Coupon.Kind.PERCENT or coupon.currency == offer.currency
    ]


def _is_for(coupon: Coupon, buyer: Buyer) -> bool:
    if coupon.first_purchase_only and buyer.has_bought:
        return False
    allowed = coupon.allowed_emails.lower().split()
    if not allowed:
        return True
    return bool(buyer.email) and (buyer.email in allowed or f"@{buyer.email.rpartition('@')[2]}" in allowed)
