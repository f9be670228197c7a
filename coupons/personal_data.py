"""What this app keeps about a person, to hand out and to forget."""

from datetime import datetime

from django.db.models import QuerySet

from accounts.models import User, normalise_address
from coupons.buyer import buyer_key
from coupons.models import Claim, Coupon


def export(user: User) -> dict[str, list[dict]]:
    return {
        "codes_used": [
            {
                "code": claim.coupon.code,
                "state": claim.state,
                "discount_cents": claim.discount_cents,
                "currency": claim.coupon.currency,
                "held_at": claim.held_at,
                "redeemed_at": claim.redeemed_at,
                "released_at": claim.released_at,
            }
            for claim in Claim.objects.filter(buyer_key__in=_keys(user)).select_related("coupon").order_by("held_at")
        ],
    }


def erase(user: User, *, at: datetime) -> None:
    """Codes made for this address name a placeholder instead: an empty list would open them to everybody.

    Uses stay counted, under the number of an account that nobody is behind any more.
    """
    address = normalise_address(user.email)
    for coupon in _naming(user):
        lines = coupon.allowed_emails.lower().split()
        coupon.allowed_emails = "\n".join(
            f"deleted-{user.pk}@deleted.invalid" if line == address else line for line in lines
        )
        coupon.save(update_fields=["allowed_emails"])
    mine = buyer_key(user=user)
    for claim in Claim.objects.filter(buyer_key=buyer_key(address=user.email)):
        taken = Claim.objects.filter(buyer_key=mine, coupon=claim.coupon_id).order_by("-slot").first()
        Claim.objects.filter(pk=claim.pk).update(buyer_key=mine, slot=taken.slot + 1 if taken else claim.slot)


def _keys(user: User) -> list[str]:
    return [buyer_key(user=user), buyer_key(address=user.email)]


def _naming(user: User) -> QuerySet[Coupon]:
    """Coupons whose list of addresses has this one (or a longer one that ends in it, which ``erase`` leaves alone)."""
    return Coupon.objects.filter(allowed_emails__icontains=normalise_address(user.email))
