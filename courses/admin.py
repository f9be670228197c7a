from django.contrib import admin
from django.db.models import Count
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from courses.forms import BundledCourseFormSet, CourseForm, EditionForm, OfferForm
from courses.models import (
    Bundle,
    BundledCourse,
    Course,
    Edition,
    FrequentQuestion,
    Instructing,
    Lesson,
    Section,
    Topic,
)
from courses.search import reindex
from foundation.acts import log_act
from foundation.last_day import last_day_before
from foundation.money import format_money


@admin.register(Topic)
class TopicAdmin(admin.ModelAdmin):
    list_display = ["name", "slug", "position", "course_count"]
    list_editable = ["position"]
    prepopulated_fields = {"slug": ["name"]}
    search_fields = ["name"]

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(courses_with_it=Count("courses"))

    @admin.display(description=_("courses"), ordering="courses_with_it")
    def course_count(self, topic):
        return topic.courses_with_it


class QuestionInline(admin.TabularInline):
    model = FrequentQuestion
    fk_name = "offer"
    extra = 0


class OfferAdmin(admin.ModelAdmin):
    """What courses and bundles have in common for staff; every change of a price is written down."""

    form = OfferForm
    list_filter = ["status"]
    search_fields = ["title", "slug", "summary"]
    prepopulated_fields = {"slug": ["title"]}
    date_hierarchy = "published_at"
    inlines = [QuestionInline]
    save_on_top = True
    price_fields = ["price_cents", "sale_price_cents", "sale_starts_at", "sale_ends_at"]

    @admin.display(description=_("price now"), ordering="price_cents")
    def price_now(self, offer):
        price = offer.price(at=timezone.now())
        words = format_money(price.cents, offer.currency)
        if not price.on_sale:
            return words
        until = f", until {last_day_before(price.sale_ends_at):%-d %B %Y}" if price.sale_ends_at else ""
        return f"{words} (on sale{until})"

    @admin.display(description=_("public sees it"), boolean=True)
    def seen(self, offer):
        return offer.is_visible(at=timezone.now())

    def save_model(self, request, offer, form, change):
        super().save_model(request, offer, form, change)
        if change and set(form.changed_data) & set(self.price_fields):
            price = offer.price(at=timezone.now())
            log_act(
                by=request.user,
                deed="price changed",
                subject=offer,
                reason=f"list {format_money(offer.price_cents, offer.currency)}, now {format_money(price.cents, offer.currency)}",
                at=timezone.now(),
            )


SHOWN = ("title", "slug", "summary", "lede", "description", "cover", "position")
SOLD = ("currency", "price_cents", "sale_price_cents", "sale_starts_at", "sale_ends_at")


@admin.register(Course)
class CourseAdmin(OfferAdmin):
    form = CourseForm
    list_display = ["title", "audience", "status", "seen", "price_now", "taught", "position"]
    list_filter = ["status", "audience", "topics"]
    list_select_related = ["edition"]
    filter_horizontal = ["topics"]
    readonly_fields = ["taught"]
    fieldsets = [
        (None, {"fields": SHOWN}),
        (_("For whom, about what"), {"fields": ("audience", "topics", "is_sensitive")}),
        (_("Price"), {"fields": SOLD}),
        (_("Publishing"), {"fields": ("status", "published_at", "taught")}),
    ]

    @admin.display(description=_("edition taught"))
    def taught(self, course):
        if course.pk is None:
            return _("Save the course, then add an edition.")
        editions = reverse("admin:courses_edition_changelist") + f"?course__offer_ptr={course.pk}"
        if course.edition is None:
            return format_html('<a href="{}">{}</a>', editions, _("none yet"))
        return format_html(
            '<a href="{}">{}</a>',
            editions,
            _("number %(number)s, %(lessons)s lessons")
            % {"number": course.edition.number, "lessons": course.edition.lesson_count},
        )


class BundledCourseInline(admin.TabularInline):
    model = BundledCourse
    formset = BundledCourseFormSet
    extra = 0
    autocomplete_fields = ["course"]


@admin.register(Bundle)
class BundleAdmin(OfferAdmin):
    list_display = ["title", "status", "seen", "price_now", "course_count", "position"]
    inlines = [BundledCourseInline, QuestionInline]
    fieldsets = [
        (None, {"fields": SHOWN}),
        (_("Price"), {"fields": SOLD}),
        (_("Publishing"), {"fields": ("status", "published_at")}),
    ]

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(courses_inside=Count("bundled")).prefetch_related("bundled")

    @admin.display(description=_("courses"), ordering="courses_inside")
    def course_count(self, bundle):
        return bundle.courses_inside


class SectionInline(admin.TabularInline):
    model = Section
    extra = 0


class InstructingInline(admin.TabularInline):
    model = Instructing
    extra = 0


class LessonInline(admin.TabularInline):
    """The order and the free ones at a glance; a lesson's text and video are on its own page."""

    model = Lesson
    fields = ["section", "position", "title", "slug", "kind", "is_preview", "seconds"]
    readonly_fields = ["kind", "seconds"]
    extra = 0
    show_change_link = True

    def has_add_permission(self, request, obj=None):
        return False

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "section":
            kwargs["queryset"] = Section.objects.filter(edition=request.resolver_match.kwargs.get("object_id"))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(Edition)
class EditionAdmin(admin.ModelAdmin):
    form = EditionForm
    list_display = ["__str__", "is_taught", "published_at", "lesson_count", "seconds", "reviewed_on"]
    list_filter = ["level", "published_at"]
    list_select_related = ["course__edition"]
    search_fields = ["course__title"]
    autocomplete_fields = ["course"]
    readonly_fields = ["published_at", "lesson_count", "seconds", "credits"]
    inlines = [InstructingInline, SectionInline, LessonInline]
    save_on_top = True
    fieldsets = [
        (
            None,
            {
                "fields": ("course", "number", "level", "objectives", "references", "disclosure", "reviewed_on"),
                "description": _(
                    "An edition is what a course teaches. Learners see it after the action “Publish” in the list; "
                    "lengths are measured then. Who is already enrolled keeps the edition they have."
                ),
            },
        ),
        (_("Measured when published"), {"fields": ("published_at", "lesson_count", "seconds", "credits")}),
    ]

    @admin.display(description=_("taught now"), boolean=True)
    def is_taught(self, edition):
        return edition.course.edition_id == edition.pk

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        reindex(form.instance.course)


@admin.register(Lesson)
class LessonAdmin(admin.ModelAdmin):
    list_display = ["title", "edition", "section", "position", "kind", "is_preview", "seconds"]
    list_filter = ["kind", "is_preview", "edition"]
    list_select_related = ["edition__course", "section"]
    search_fields = ["title", "edition__course__title"]
    autocomplete_fields = ["edition"]
    prepopulated_fields = {"slug": ["title"]}
    readonly_fields = ["seconds", "words"]
    ordering = ["edition", "position"]

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "section":
            lesson = Lesson.objects.filter(pk=request.resolver_match.kwargs.get("object_id")).first()
            sections = Section.objects.select_related("edition__course")
            kwargs["queryset"] = sections.filter(edition=lesson.edition_id) if lesson else sections
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
