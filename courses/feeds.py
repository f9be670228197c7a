"""The Atom feed of new courses."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from courses.models import Offer
from foundation.identity import clinic_identity
from foundation.page_cache import shared_page

ENTRIES = 30


@shared_page
@require_safe
def new_courses(request: HttpRequest) -> HttpResponse:
    """The newest courses and bundles that the public may see."""
    clinic = clinic_identity()
    feed = Atom1Feed(
        title=_("New courses from %(clinic)s") % {"clinic": clinic.name},
        link=settings.SITE_URL + reverse("courses:list"),
        feed_url=settings.SITE_URL + reverse("courses:feed"),
        description=clinic.tagline,
        author_name=clinic.name,
        language=settings.LANGUAGE_CODE,
    )
    for offer in Offer.objects.visible(at=timezone.now()).order_by("-published_at", "-pk")[:ENTRIES]:
        address = settings.SITE_URL + offer.get_absolute_url()
        feed.add_item(
            title=offer.title,
            link=address,
            unique_id=address,
            description=offer.summary,
            pubdate=offer.published_at,
            updateddate=max(offer.updated_at, offer.published_at or offer.updated_at),
        )
    return HttpResponse(feed.writeString("utf-8"), content_type=feed.content_type)
