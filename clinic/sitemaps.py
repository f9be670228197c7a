"""What search engines should know of, with the moment of its last change."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.db.models import Max
from django.db.models.query import QuerySet
from django.urls import reverse
from django.utils import timezone

from clinic.models import Page
from courses.models import Offer


class _SiteAddress(Sitemap):
    """Addresses start with SITE_URL, whichever host was asked."""

    def get_protocol(self, protocol: str | None = None) -> str:
        return settings.SITE_URL.partition("://")[0]

    def get_domain(self, site: object = None) -> str:
        return settings.SITE_URL.partition("://")[2]


class OfferSitemap(_SiteAddress):
    """Courses and bundles that the public may see."""

    def items(self) -> "QuerySet[Offer]":
        return Offer.objects.visible(at=timezone.now()).select_related("course__edition").order_by("pk")

    def lastmod(self, offer: Offer) -> datetime:
        edition = offer.course.edition if hasattr(offer, "course") else None
        moments = [offer.updated_at, offer.published_at, edition and edition.published_at]
        return max(moment for moment in moments if moment)


class PageSitemap(_SiteAddress):
    def items(self) -> "QuerySet[Page]":
        return Page.objects.filter(is_published=True).order_by("pk")

    def lastmod(self, page: Page) -> datetime:
        return page.updated_at


class ListSitemap(_SiteAddress):
    """The pages that list offers; they change when an offer does."""

    def items(self) -> Iterable[str]:
        return ["clinic:home", "courses:list"]

    def location(self, name: str) -> str:
        return reverse(name)

    def get_latest_lastmod(self) -> datetime | None:
        return Offer.objects.visible(at=timezone.now()).aggregate(newest=Max("updated_at"))["newest"]


SITEMAPS = {"lists": ListSitemap, "offers": OfferSitemap, "pages": PageSitemap}
