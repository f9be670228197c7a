"""The catalogue: what is sold (Course, Bundle, both an Offer) and what is taught (Edition, Section, Lesson)."""

import functools
from dataclasses import dataclass
from datetime import datetime

from django.contrib.staticfiles import finders
from django.core.validators import FileExtensionValidator
from django.db import models
from django.db.models import F, Q
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from modelsearch import index
from modelsearch.queryset import SearchableQuerySetMixin

from accounts.models import Person
from foundation.html import CleanHtmlField
from foundation.money import CURRENCIES


class Topic(models.Model):
    """A subject by which the catalogue is filtered and a coupon can be limited."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Price:
    """What an offer costs at one moment without any code: cents, and until when a sale holds."""

    list_cents: int
    cents: int
    sale_ends_at: datetime | None = None

    @property
    def on_sale(self) -> bool:
        return self.cents < self.list_cents

    @property
    def percent_off(self) -> int:
        """Whole percent, rounded down, so that a tag never promises more than the price gives."""
        return (self.list_cents - self.cents) * 100 // self.list_cents if self.list_cents else 0


def on_sale_at(at: datetime) -> Q:
    """Offers whose sale price holds at ``at`` (half-open: from the start, until before the end)."""
    return (
        Q(sale_price_cents__isnull=False)
        & (Q(sale_starts_at=None) | Q(sale_starts_at__lte=at))
        & (Q(sale_ends_at=None) | Q(sale_ends_at__gt=at))
    )


@functools.cache
def _drawing_of(slug: str) -> str:
    drawing = f"art/{slug}.svg"
    return drawing if finders.find(drawing) else "art/cover.svg"


class OfferQuerySet(SearchableQuerySetMixin, models.QuerySet):
    def visible(self, *, at: datetime):
        """Offers that the public may see and buy. A bundle without courses would cost nothing, so it is none of them."""
        empty = Bundle.objects.filter(bundled=None).values("pk")
        return self.filter(~Q(pk__in=empty), status=Offer.Status.PUBLISHED, published_at__lte=at)

    def on_sale(self, *, at: datetime):
        return self.filter(on_sale_at(at))

    def with_price(self, *, at: datetime):
        """Adds ``current_cents``, the price without a code, for ordering and filtering."""
        return self.annotate(
            current_cents=models.Case(models.When(on_sale_at(at), then=F("sale_price_cents")), default=F("price_cents"))
        )


class Offer(index.Indexed, models.Model):
    """What can be bought under one address and one price: a course or a bundle of courses."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")
        WITHDRAWN = "withdrawn", _("withdrawn")

    slug = models.SlugField(
        unique=True,
        max_length=80,
        help_text=_("The address: /courses/<slug>/. Changing it breaks links that people have kept."),
    )
    title = models.CharField(max_length=160)
    summary = models.CharField(max_length=160, help_text=_("One sentence for cards and search engines."))
    lede = models.TextField(blank=True, help_text=_("One or two sentences at the top of the page."))
    description = CleanHtmlField(blank=True)
    cover = models.ImageField(
        upload_to="covers/", blank=True, help_text=_("Empty: the drawing named after the address.")
    )
    currency = models.CharField(max_length=3, default="usd", choices=CURRENCIES)
    price_cents = models.PositiveIntegerField(
        _("list price (cents)"), help_text=_("14000 means US$140.00. 0 makes it free.")
    )
    sale_price_cents = models.PositiveIntegerField(
        _("sale price (cents)"),
        null=True,
        blank=True,
        help_text=_("Takes the place of the list price while the sale runs."),
    )
    sale_starts_at = models.DateTimeField(null=True, blank=True, help_text=_("Empty: at once."))
    sale_ends_at = models.DateTimeField(
        null=True, blank=True, help_text=_("From this moment the list price is back, by itself. Empty: no end.")
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    published_at = models.DateTimeField(
        null=True, blank=True, help_text=_("In the future: it appears then, by itself.")
    )
    position = models.PositiveSmallIntegerField(default=0, help_text=_("Low numbers come first in the catalogue."))
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = OfferQuerySet.as_manager()

    search_fields = [
        index.SearchField("title", boost=10),
        index.AutocompleteField("title"),
        index.SearchField("summary", boost=3),
        index.AutocompleteField("summary"),
        index.SearchField("lede"),
        index.SearchField("taught_text"),
        index.AutocompleteField("taught_text"),
        index.FilterField("id"),
        index.FilterField("status"),
        index.FilterField("published_at"),
    ]

    class Meta:
        ordering = ["position", "title"]
        constraints = [
            models.CheckConstraint(
                condition=Q(sale_price_cents=None) | Q(sale_price_cents__lt=F("price_cents")),
                name="offer_sale_price_below_list_price",
                violation_error_message=_("A sale price is lower than the list price."),
            ),
            models.CheckConstraint(
                condition=Q(sale_starts_at=None) | Q(sale_ends_at=None) | Q(sale_ends_at__gt=F("sale_starts_at")),
                name="offer_sale_ends_after_it_starts",
                violation_error_message=_("A sale ends after it starts."),
            ),
            models.CheckConstraint(
                condition=~Q(status="published") | Q(published_at__isnull=False),
                name="offer_published_has_a_moment",
                violation_error_message=_("Say when it is published."),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("courses:detail", args=[self.slug])

    def is_visible(self, *, at: datetime) -> bool:
        return self.status == self.Status.PUBLISHED and self.published_at is not None and self.published_at <= at

    def price(self, *, at: datetime) -> Price:
        """What it costs at ``at`` without any code."""
        running = (
            self.sale_price_cents is not None
            and (self.sale_starts_at is None or self.sale_starts_at <= at)
            and (self.sale_ends_at is None or self.sale_ends_at > at)
        )
        if running:
            return Price(self.price_cents, self.sale_price_cents or 0, self.sale_ends_at)
        return Price(self.price_cents, self.price_cents)

    @property
    def cover_url(self) -> str:
        """The uploaded cover, else the drawing that the slug names, else the drawing for all."""
        if self.cover:
            return self.cover.url
        return static(_drawing_of(self.slug))

    def taught_text(self) -> str:
        """What a search finds beside the offer's own words; courses and bundles say."""
        return ""


class Course(Offer):
    """What is sold. What is taught is its published edition."""

    class Audience(models.TextChoices):
        PUBLIC = "public", _("for everyone")
        PROFESSIONAL = "professional", _("for professionals")

    audience = models.CharField(max_length=12, choices=Audience)
    topics = models.ManyToManyField(Topic, blank=True, related_name="courses")
    is_sensitive = models.BooleanField(
        default=False, help_text=_("Keeps the title out of mail subjects, card statements and what Stripe is told.")
    )
    # The published edition; written by credits/publishing.py alone.
    edition = models.OneToOneField(
        "Edition", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    def taught_text(self) -> str:
        """What a search should find a course by beside its own words: topics, objectives, lesson titles."""
        words = [topic.name for topic in self.topics.all()]
        if self.edition:
            words += self.edition.objectives
            words += self.edition.lessons.values_list("title", flat=True)
        return " · ".join(words)


class Bundle(Offer):
    """Several courses for one price, one payment, one receipt."""

    courses = models.ManyToManyField(Course, through="BundledCourse", related_name="bundles")

    def is_visible(self, *, at: datetime) -> bool:
        return super().is_visible(at=at) and self.bundled.exists()

    def taught_text(self) -> str:
        """What a search should find a bundle by beside its own words: the titles of its courses."""
        return " · ".join(self.courses.values_list("title", flat=True))


class BundledCourse(models.Model):
    bundle = models.ForeignKey(Bundle, on_delete=models.CASCADE, related_name="bundled")
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="bundled")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["bundle", "course"], name="course_once_in_a_bundle")]

    def __str__(self) -> str:
        return f"{self.course} in {self.bundle}"


class FrequentQuestion(models.Model):
    """A question that buyers ask, with its answer, on the offer's page."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="questions")
    question = models.CharField(max_length=200)
    answer = models.TextField()
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.question


class Edition(models.Model):
    """One version of what a course teaches. Publishing freezes what credit depends on; the next starts as a copy."""

    class Level(models.TextChoices):
        INTRODUCTORY = "introductory", _("introductory")
        INTERMEDIATE = "intermediate", _("intermediate")
        ADVANCED = "advanced", _("advanced")

    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="editions")
    number = models.PositiveSmallIntegerField(default=1)
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    level = models.CharField(max_length=12, choices=Level, default=Level.INTRODUCTORY)
    objectives = models.JSONField(
        default=list, blank=True, help_text=_("What people can do afterwards, one sentence each.")
    )
    references = models.JSONField(default=list, blank=True)
    disclosure = models.TextField(blank=True, help_text=_("Interests of the instructors; say so when there are none."))
    reviewed_on = models.DateField(null=True, blank=True)
    # Written by credits/publishing.py from what the lessons measure, so that the catalogue can filter.
    credits = models.DecimalField(max_digits=4, decimal_places=1, default=0, editable=False)
    seconds = models.PositiveIntegerField(default=0, editable=False)
    lesson_count = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["course", "-number"]
        constraints = [models.UniqueConstraint(fields=["course", "number"], name="edition_number_once_per_course")]

    def __str__(self) -> str:
        return f"{self.course}, edition {self.number}"


class Instructing(models.Model):
    """Who teaches an edition, in the order shown."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="instructing")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="instructing")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["edition", "person"], name="instructor_once_per_edition")]

    def __str__(self) -> str:
        return f"{self.person}, {self.edition}"


class Section(models.Model):
    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="sections")
    title = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.title


class Lesson(models.Model):
    """One page or video of a section. ``seconds`` is measured, never typed."""

    class Kind(models.TextChoices):
        TEXT = "text", _("text")
        VIDEO = "video", _("video")

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="lessons")
    section = models.ForeignKey(Section, on_delete=models.CASCADE, related_name="lessons")
    position = models.PositiveSmallIntegerField(default=0, help_text=_("Counted through the whole edition."))
    slug = models.SlugField(max_length=80)
    title = models.CharField(max_length=160)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.TEXT)
    body = CleanHtmlField(blank=True, help_text=_("The text of the lesson; for a video, notes below it."))
    is_preview = models.BooleanField(
        _("free preview"), default=False, help_text=_("Open to everyone, without an account.")
    )
    video = models.FileField(upload_to="lessons/", blank=True, validators=[FileExtensionValidator(["mp4"])])
    described_video = models.FileField(
        upload_to="lessons/", blank=True, validators=[FileExtensionValidator(["mp4"])],
        help_text=_("The same video with a spoken description of what is seen."),
    )  # fmt: skip
    captions = models.FileField(upload_to="lessons/", blank=True, validators=[FileExtensionValidator(["vtt"])])
    poster = models.ImageField(upload_to="lessons/", blank=True)
    download = models.FileField(upload_to="lessons/", blank=True)
    download_title = models.CharField(max_length=120, blank=True)
    # Measured when the edition is published: the video's length, or reading time of the words.
    seconds = models.PositiveIntegerField(default=0, editable=False)
    words = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["edition", "slug"],
                name="lesson_slug_once_per_edition",
                violation_error_message=_("Another lesson of this edition has this address."),
            ),
            models.CheckConstraint(
                condition=~Q(kind="video") | ~Q(video=""),
                name="video_lesson_has_a_video",
                violation_error_message=_("A video lesson needs its video."),
            ),
        ]

    def __str__(self) -> str:
        return self.title
