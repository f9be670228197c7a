"""Holding, redeeming and releasing the uses of a code. Counters move in the same statement that checks their limits."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, Max

from coupons.models import Claim, Coupon
from foundation.page_cache import forget_pages


class CouponUsedUp(Exception):
    """Every use or the whole budget is held or redeemed, or the code is no longer open."""


class CouponUsedByYou(Exception):
    """This buyer has had all the uses that one person may have."""


@transaction.atomic
def hold(*, coupon: Coupon, buyer_key: str, discount_cents: int, at: datetime) -> Claim:
    """Set one use of ``coupon`` aside for a buyer until their order is paid or given up.

    :raises CouponUsedUp: nothing is left, or it is not open at ``at``.
    :raises CouponUsedByYou: the buyer has had their share; nothing stays counted.
    """
    _count_in(coupon, discount_cents, at=at)
    return _take_slot(coupon, buyer_key, discount_cents, at=at)


@transaction.atomic
def redeem(claim: Claim, *, at: datetime) -> bool:
    """The order of a held claim is paid. False when the claim is not held (any more)."""
    return bool(
        Claim.objects.filter(pk=claim.pk, state=Claim.State.HELD).update(state=Claim.State.REDEEMED, redeemed_at=at)
    )


@transaction.atomic
def release(claim: Claim, *, because: str, at: datetime) -> bool:
    """Give a held use back, once. False when the claim was not held."""
    released = Claim.objects.filter(pk=claim.pk, state=Claim.State.HELD).update(
        state=Claim.State.RELEASED, released_at=at, released_because=because
    )
    if released:
        Coupon.objects.filter(pk=claim.coupon_id).update(
            used=F("used") - 1, spent_cents=F("spent_cents") - claim.discount_cents
        )
        forget_pages()
    return bool(released)


def take_again(claim: Claim, *, at: datetime) -> bool:
    """A released claim's order was paid after all: count the use again if there is still room. False when there is not."""
    try:
        with transaction.atomic():
            _count_in(claim.coupon, claim.discount_cents, at=at)
            if not Claim.objects.filter(pk=claim.pk, state=Claim.State.RELEASED).update(
                state=Claim.State.HELD, released_at=None, released_because=""
            ):
                raise CouponUsedUp
    except (CouponUsedUp, IntegrityError):
        return False
    return True


def give_to(claim: Claim, *, buyer_key: str) -> bool:
    """Write the claim to the account that the buyer turned out to have. False when that exceeds one person's share.

    Money has already come in, so the use stays counted either way; it then stands in a slot beyond the share.
    """
    if claim.buyer_key == buyer_key:
        return True
    try:
        with transaction.atomic():
            Claim.objects.filter(pk=claim.pk).update(buyer_key=buyer_key)
            return True
    except IntegrityError:
        last = Claim.objects.filter(coupon=claim.coupon_id, buyer_key=buyer_key).aggregate(last=Max("slot"))["last"]
        Claim.objects.filter(pk=claim.pk).update(buyer_key=buyer_key, slot=last + 1)
        limit = claim.coupon.max_per_person
        return limit is None or last + 1 <= limit


def _count_in(coupon: Coupon, discount_cents: int, *, at: datetime) -> None:
    taken = (
        Coupon.objects.redeemable(at=at)
        .with_room_for(discount_cents)
        .filter(pk=coupon.pk)
        .update(used=F("used") + 1, spent_cents=F("spent_cents") + discount_cents)
    )
    if not taken:
        raise CouponUsedUp
    if coupon.max_total is not None or coupon.budget_cents is not None:
        forget_pages()  # this may have been the last use


def _take_slot(coupon: Coupon, buyer_key: str, discount_cents: int, *, at: datetime) -> Claim:
    """The first free slot of this buyer; the unique constraint decides between parallel takers."""
    while True:
        taken = set(Claim.objects.active().filter(coupon=coupon, buyer_key=buyer_key).values_list("slot", flat=True))
        slot = next(number for number in range(1, len(taken) + 2) if number not in taken)
        if coupon.max_per_person is not None and slot > coupon.max_per_person:
            raise CouponUsedByYou
        try:
            with transaction.atomic():
                return Claim.objects.create(
                    coupon=coupon, buyer_key=buyer_key, slot=slot, discount_cents=discount_cents, held_at=at
                )
        except IntegrityError:
            continue  # a parallel hold of the same buyer took this slot
