# allauth registers its addresses when its admin module is imported; here they belong to the user's page.
import allauth.account.admin  # noqa: F401
from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from accounts.models import Person, User, normalise_address
from accounts.signing_up import move_to_address
from foundation.acts import log_act

admin.site.unregister(EmailAddress)

RIGHTS = ["is_staff", "is_superuser", "groups", "user_permissions"]


class UserForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ["email", "legal_name", "display_name", "time_zone", "country", "province", "is_active", *RIGHTS]
        help_texts = {
            "email": _(
                "Where codes and receipts go. After a change here the new address counts as unproved until its owner "
                "signs in with a mailed code. Nobody's password can be seen or set by staff."
            ),
        }

    def clean_email(self):
        """One spelling, so that the page says “taken” and not the database."""
        email = normalise_address(self.cleaned_data["email"])
        if User.objects.filter(email=email).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("This address has an account."))
        return email


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    form = UserForm
    list_display = ["email", "legal_name", "is_active", "is_staff", "is_proved", "country", "date_joined", "last_login"]
    list_filter = ["is_active", "is_staff", "country", "date_joined"]
    search_fields = ["email", "legal_name", "display_name"]
    ordering = ["-date_joined"]
    filter_horizontal = ["groups", "user_permissions"]
    fieldsets = [
        (None, {"fields": ["email", "is_proved", "is_active", "elsewhere"]}),
        (_("Profile"), {"fields": ["legal_name", "display_name", "time_zone", ("country", "province")]}),
        (_("Staff"), {"fields": [*RIGHTS], "classes": ["collapse"]}),
        (_("Since when"), {"fields": [("date_joined", "last_login"), "made_by_order"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["email", "legal_name", "display_name"]}),
        (_("Staff"), {"fields": [*RIGHTS]}),
    ]
    readonly_fields = ["is_proved", "elsewhere", "date_joined", "last_login", "made_by_order"]

    def get_queryset(self, request):
        proved = EmailAddress.objects.filter(user=OuterRef("pk"), email=OuterRef("email"), verified=True)
        return super().get_queryset(request).annotate(has_proved_address=Exists(proved))

    def get_fieldsets(self, request, obj=None):
        return self.fieldsets if obj else self.add_fieldsets

    def get_readonly_fields(self, request, obj=None):
        """Rights are given by superusers only; others could give themselves any."""
        return [*self.readonly_fields, *([] if request.user.is_superuser else RIGHTS)]

    def has_change_permission(self, request, obj=None):
        """Whoever may change a colleague's address could sign in as that colleague."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or request.user.is_superuser or not (obj.is_staff or obj.is_superuser))

    def has_delete_permission(self, request, obj=None):
        """Orders and records point at accounts: people delete theirs on their privacy page, staff switch it off."""
        return False

    @admin.display(description=_("address proved"), boolean=True, ordering="has_proved_address")
    def is_proved(self, user):
        return user.has_proved_address

    @admin.display(description=_("elsewhere"))
    def elsewhere(self, user):
        """Links to what other apps keep about this person, without knowing those apps."""
        lists = [(relation.related_model, f"{relation.field.name}__id__exact", user.pk) for relation in _lists_of(user)]
        links = [(f"{_list_of(model)}?{lookup}={value}", model) for model, lookup, value in lists if _list_of(model)]
        links.append((f"{reverse('admin:mail_message_changelist')}?q={quote(user.email)}", None))
        return format_html_join(
            " · ",
            '<a href="{}">{}</a>',
            ((link, model._meta.verbose_name_plural if model else _("mail")) for link, model in links),
        )

    @transaction.atomic
    def save_model(self, request, obj, form, change):
        now = timezone.now()
        if not change:
            obj.set_unusable_password()
            super().save_model(request, obj, form, change)
            EmailAddress.objects.create(user=obj, email=obj.email, primary=True)
            log_act(by=request.user, deed="account made", subject=obj, at=now)
            return
        super().save_model(request, obj, form, change)
        if "email" in form.changed_data:
            move_to_address(obj, obj.email)
        if form.changed_data:
            log_act(by=request.user, deed="account changed: " + ", ".join(form.changed_data)[:60], subject=obj, at=now)


def _lists_of(user: User):
    return [
        relation
        for relation in user._meta.related_objects
        if relation.field.name and not relation.many_to_many and relation.related_model in admin.site._registry
    ]


def _list_of(model) -> str:
    try:
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    except NoReverseMatch:
        return ""


@admin.register(Person)
class PersonAdmin(admin.ModelAdmin):
    list_display = ["name", "degree", "title", "user"]
    search_fields = ["name", "degree", "title"]
    prepopulated_fields = {"slug": ["name"]}
    autocomplete_fields = ["user"]
    list_select_related = ["user"]
    fields = [("name", "slug"), ("degree", "title"), "bio", ("photo", "hue"), "user"]
