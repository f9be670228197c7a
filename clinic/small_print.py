"""Which pages of its own the clinic has: every frame links to some of them, and a link leads somewhere or is not there."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from clinic.models import Page
from foundation.page_cache import generation, memory


def published_pages() -> dict[str, str]:
    """Addresses of the published pages by slug. No query when kept; one after a page-changing edit."""
    belongs_to = generation()
    kept = memory.get(belongs_to, "published pages")
    if kept is None:
        kept = {page.slug: page.get_absolute_url() for page in Page.objects.filter(is_published=True).only("slug")}
        memory.put(belongs_to, "published pages", kept)
    return kept


def small_print(request: HttpRequest) -> dict[str, object]:
    """For templates: ``small_print.terms`` is the page's address, or nothing."""
    return {"small_print": SimpleLazyObject(published_pages)}
