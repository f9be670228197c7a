"""Pages of the clinic's own that staff edit."""

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from foundation.html import CleanHtmlField


class Page(models.Model):
    """A page such as privacy or terms, at /p/<slug>/."""

    slug = models.SlugField(
        unique=True, help_text=_("The footer links to privacy, terms, accessibility and grievance.")
    )
    title = models.CharField(max_length=120)
    summary = models.CharField(max_length=160, blank=True, help_text=_("One sentence for search engines."))
    body = CleanHtmlField()
    is_published = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("clinic:page", args=[self.slug])
