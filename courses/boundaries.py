"""When the catalogue changes by itself: a sale starts or ends, an offer appears."""

from datetime import datetime

from django.db.models import Min, Q

from courses.models import Offer


def next_offer_change(after: datetime) -> datetime | None:
    """The first start or end of a sale, or publication, later than ``after``. One query."""
    moments = Offer.objects.filter(status=Offer.Status.PUBLISHED).aggregate(
        **{
            field: Min(field, filter=Q(**{f"{field}__gt": after}))
            for field in ("sale_starts_at", "sale_ends_at", "published_at")
        }
    )
    return min((moment for moment in moments.values() if moment is not None), default=None)
