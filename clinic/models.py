"""Pages of the clinic's own that staff edit."""

from django.db import models
from django.urls import reverse
from django.utils.html import strip_tags
from django.utils.translation import gettext_lazy as _
from modelsearch import index
from modelsearch.queryset import SearchableQuerySetMixin

from foundation.html import CleanHtmlField


class PageQuerySet(SearchableQuerySetMixin, models.QuerySet):
    pass


class Page(index.Indexed, models.Model):
    """A page such as privacy or terms, at /p/<slug>/."""

    slug = models.SlugField(
        unique=True,
        help_text=_("The footer links to privacy, terms, refunds, accessibility and grievance where they exist."),
    )
    title = models.CharField(max_length=120)
    summary = models.CharField(max_length=160, blank=True, help_text=_("One sentence for search engines."))
    body = CleanHtmlField()
    is_published = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PageQuerySet.as_manager()

    search_fields = [
        index.SearchField("title", boost=10),
        index.AutocompleteField("title"),
        index.SearchField("summary", boost=3),
        index.AutocompleteField("summary"),
        index.SearchField("plain_text"),
        index.FilterField("is_published"),
    ]

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("clinic:page", args=[self.slug])

    def plain_text(self) -> str:
        """The body's words, for the search index."""
        return strip_tags(self.body)
