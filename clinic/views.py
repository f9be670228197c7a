"""The clinic's own pages: home, search, and what staff write at /p/."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic.models import Page
from courses.catalogue import entries_of, first_preview_of
from courses.models import Course, Offer
from courses.search import clean_query, matching
from foundation.page_cache import shared_page

CARDS = 3


@shared_page
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The first course for the public is put forward; the offers after it are shown as cards."""
    now = timezone.now()
    entries = entries_of(Offer.objects.visible(at=now)[: CARDS + 2], at=now)
    forward = next(
        (entry for entry in entries if entry.audience == Course.Audience.PUBLIC and not entry.is_bundle), None
    )
    context = {
        "forward": forward,
        "forward_preview": first_preview_of(forward.offer.course) if forward else None,
        "entries": [entry for entry in entries if entry is not forward][:CARDS],
        "offer_count": Offer.objects.visible(at=now).count(),
    }
    return TemplateResponse(request, "clinic/home.html", context)


@shared_page
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Courses, bundles and pages that hold the words of ``q``, best first."""
    now = timezone.now()
    query = clean_query(request.GET.get("q", ""))
    found = matching(query, Offer.objects.visible(at=now)) if query else []
    offers = (
        {entry.offer.pk: entry for entry in entries_of(Offer.objects.filter(pk__in=found), at=now)} if found else {}
    )
    page_keys = matching(query, Page.objects.filter(is_published=True)) if query else []
    pages = Page.objects.in_bulk(page_keys)
    context = {
        "query": query,
        "entries": [offers[key] for key in found if key in offers],
        "pages": [pages[key] for key in page_keys if key in pages],
    }
    return TemplateResponse(request, "clinic/search.html", context)


@shared_page
@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    return TemplateResponse(
        request, "clinic/page.html", {"page": get_object_or_404(Page, slug=slug, is_published=True)}
    )


@shared_page
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    closed = ["/accounts/", "/admin/", "/checkout/", "/orders/", "/learn/", "/redeem/", "/courses/*/price/"]
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed)]
    lines += ["", f"Sitemap: {settings.SITE_URL}{reverse('clinic:sitemap')}", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")
