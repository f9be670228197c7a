"""Finding what is sold under an address: courses and bundles share the slugs."""

from datetime import datetime

from django.http import Http404

from courses.models import Bundle, Course


def get_offer_or_404(slug: str, *, at: datetime) -> Course | Bundle:
    """The visible course or bundle with this slug. At most two queries.

    :raises Http404: there is none, or it is not (or no longer) on offer.
    """
    offer = Course.objects.visible(at=at).filter(slug=slug, edition__isnull=False).select_related("edition").first()
    offer = offer or Bundle.objects.visible(at=at).filter(slug=slug).first()
    if offer is None:
        raise Http404
    return offer
