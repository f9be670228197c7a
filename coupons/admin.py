from datetime import timedelta
from decimal import Decimal
from typing import cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Replace
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from coupons.codes import code_key
from coupons.models import Claim, Coupon
from foundation.acts import log_act
from foundation.last_day import LastDayField, last_day_before
from foundation.money import format_money
from foundation.page_cache import forget_pages

# What a code is worth: fixed as soon as somebody was promised a price by it.
WORTH = ["kind", "percent_bp", "amount_cents", "currency", "max_discount_cents"]
STATES = {
    "open": gettext_lazy("open"),
    "scheduled": gettext_lazy("not yet"),
    "ended": gettext_lazy("ended"),
    "used up": gettext_lazy("used up"),
    "off": gettext_lazy("switched off"),
    "archived": gettext_lazy("archived"),
}
# Signs that people mistake for each other when they read a code aloud or copy it by hand.
LOOK_ALIKES = {"O": "0", "I": "1", "L": "1", "S": "5", "Z": "2", "B": "8"}


class HundredthsField(forms.DecimalField):
    """A number with two decimals for a column of hundredths: dollars for cents, percent for basis points."""

    def __init__(self, **kwargs) -> None:
        super().__init__(max_digits=9, decimal_places=2, **kwargs)

    def prepare_value(self, value: object) -> object:
        return f"{Decimal(value) / 100:.2f}" if isinstance(value, int) else value

    def has_changed(self, initial: object, data: object) -> bool:
        return super().has_changed(Decimal(initial) / 100 if isinstance(initial, int) else initial, data)

    def clean(self, value: object) -> int | None:
        number = super().clean(value)
        return None if number is None else int(number * 100)


class CouponForm(forms.ModelForm):
    percent_bp = HundredthsField(
        label=gettext_lazy("Percent off"), required=False, min_value=Decimal("0.01"), max_value=Decimal(100),
        help_text=gettext_lazy("50 means half the price. The discount is rounded half up to the cent, then taken off."),
    )  # fmt: skip
    amount_cents = HundredthsField(
        label=gettext_lazy("Amount"), required=False, min_value=Decimal(0),
        help_text=gettext_lazy(
            "Such as 20.00. Taken off, or for a fixed price the price itself. It never raises a price."
        ),
    )  # fmt: skip
    max_discount_cents = HundredthsField(
        label=gettext_lazy("Largest discount"), required=False, min_value=Decimal("0.01"),
        help_text=gettext_lazy("Never takes off more than this. Empty: no cap."),
    )  # fmt: skip
    budget_cents = HundredthsField(
        label=gettext_lazy("Budget"), required=False, min_value=Decimal("0.01"),
        help_text=gettext_lazy("The sum of all discounts stops here; the last buyer gets what is left. Empty: no limit."),
    )  # fmt: skip
    min_price_cents = HundredthsField(
        label=gettext_lazy("Smallest price"), required=False, min_value=Decimal("0.01"),
        help_text=gettext_lazy("What it costs after a sale must be at least this. Empty: any price."),
    )  # fmt: skip
    ends_at = LastDayField(
        label=gettext_lazy("Last day"),
        required=False,
        help_text=gettext_lazy("It is refused from the midnight after it. Empty: no end."),
    )

    def clean_code(self) -> str:
        code = self.cleaned_data["code"].strip()
        key = code_key(code)
        if key is None:
            raise ValidationError(
                _(
                    "A code has 4 to 32 letters (A to Z) and digits, without accents or other signs. "
                    "Spaces, dots and dashes between them are fine."
                )
            )
        other = Coupon.objects.filter(code_key=key).exclude(pk=self.instance.pk).first()
        if other is not None:
            raise ValidationError(
                _("There is a coupon “%(code)s” already, and capitals, spaces and dashes do not tell codes apart.")
                % {"code": other.code}
            )
        return code

    def clean_max_total(self) -> int | None:
        """The counters are not in the form, so the database's own checks of them come too late for a sentence."""
        limit = self.cleaned_data["max_total"]
        if limit is not None and limit < self.instance.used:
            raise ValidationError(
                ngettext("It has been used %d time already.", "It has been used %d times already.", self.instance.used)
                % self.instance.used
            )
        return limit

    def clean_budget_cents(self) -> int | None:
        budget = self.cleaned_data["budget_cents"]
        if budget is not None and budget < self.instance.spent_cents:
            spent = format_money(self.instance.spent_cents, self.instance.currency)
            raise ValidationError(_("It has given away %(money)s already.") % {"money": spent})
        return budget

    def clean_ends_at(self):
        """An end in the middle of a day, set by a program, stays as it is until the day itself is changed."""
        return self.cleaned_data["ends_at"] if "ends_at" in self.changed_data else self.instance.ends_at

    def clean_allowed_emails(self) -> str:
        lines = self.cleaned_data["allowed_emails"].lower().split()
        for line in lines:
            try:
                validate_email(f"somebody{line}" if line.startswith("@") else line)
            except ValidationError:
                raise ValidationError(
                    _("“%(line)s” is neither an address nor a @domain. Write one on each line.") % {"line": line}
                ) from None
        return "\n".join(lines)

    def clean(self):
        super().clean()
        cleaned = self.cleaned_data
        kind = cleaned.get("kind")
        if kind:
            needed, other = (
                ("percent_bp", "amount_cents") if kind == Coupon.Kind.PERCENT else ("amount_cents", "percent_bp")
            )
            if cleaned.get(needed) is None and needed not in self.errors:
                self.add_error(
                    needed, _("Say how many percent.") if needed == "percent_bp" else _("Say how much money.")
                )
            if cleaned.get(other) is not None:
                self.add_error(other, _("Leave this empty for “%(kind)s”.") % {"kind": Coupon.Kind(kind).label})
        if "all_offers" in cleaned:
            has_chosen = bool(cleaned.get("offers") or cleaned.get("topics"))
            if cleaned["all_offers"] and has_chosen:
                self.add_error("all_offers", _("Either for everything, or for what is chosen below: not both."))
            elif not cleaned["all_offers"] and not has_chosen and not {"offers", "topics"} & set(self.errors):
                self.add_error(
                    "all_offers", _("It is for nothing yet. Switch this on, or choose courses or topics below.")
                )
        return cleaned


class StateFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return list(STATES.items())

    def queryset(self, request, queryset):
        return queryset.filter(state=self.value()) if self.value() else queryset


@admin.register(Coupon)
class CouponAdmin(admin.ModelAdmin):
    form = CouponForm
    list_display = ["code", "worth", "state_words", "uses", "spent", "window", "listed", "tag"]
    list_filter = [StateFilter, "kind", "listed", "tag"]
    search_fields = ["code", "note", "tag"]
    search_help_text = gettext_lazy("A code, however it is written, or words of the note or tag.")
    date_hierarchy = "created_at"
    filter_horizontal = ["offers", "topics"]
    actions = ["switch_on", "switch_off", "archive", "bring_back"]
    save_on_top = True
    fieldsets = [
        (None, {"fields": ["code", "is_active", "listed"]}),
        (gettext_lazy("Worth"), {"fields": [*WORTH]}),
        (gettext_lazy("When"), {"fields": ["starts_at", "ends_at"]}),
        (gettext_lazy("How often"), {"fields": ["max_total", "max_per_person", "budget_cents", "restore_on_refund"]}),
        (
            gettext_lazy("For what"),
            {"fields": ["all_offers", "offers", "topics", "audience", "min_price_cents", "stackable_with_sale"]},
        ),
        (gettext_lazy("For whom"), {"fields": ["allowed_emails", "first_purchase_only"]}),
        (gettext_lazy("Notes"), {"fields": ["note", "tag"]}),
    ]
    counters = ["state_words", "uses", "spent", "created_by", "created_at"]
    readonly_fields = [*counters, "percent_words", "amount_words", "cap_words"]

    def get_queryset(self, request):
        return Coupon.objects.with_state(at=timezone.now())

    def get_object(self, request, object_id, from_field=None):
        """While a form is saved the row is locked: nobody can be promised a price that is just being changed."""
        coupon = super().get_object(request, object_id, from_field)
        if coupon is not None and request.method == "POST":
            Coupon.objects.select_for_update().get(pk=coupon.pk)
            coupon = super().get_object(request, object_id, from_field)
        return coupon

    def get_fieldsets(self, request, obj=None):
        if obj is None:
            return self.fieldsets
        fieldsets = [*self.fieldsets, (_("So far"), {"fields": self.counters})]
        if _is_promised(obj):
            fieldsets[1] = (
                self.fieldsets[1][0],
                {
                    "fields": ["kind", "percent_words" if obj.percent_bp else "amount_words", "currency", "cap_words"],
                    "description": _(
                        "Somebody has used this code or is about to, so what it is worth stays as it is. "
                        "To offer something else, switch it off and make another."
                    ),
                },
            )
        return fieldsets

    def get_readonly_fields(self, request, obj=None):
        locked = ["kind", "currency"] if obj is not None and _is_promised(obj) else []
        return [*self.readonly_fields, *locked]

    def has_delete_permission(self, request, obj=None):
        """What was used once is archived: claims and orders point at it."""
        return super().has_delete_permission(request, obj) and (obj is None or not _is_promised(obj))

    @transaction.atomic
    def save_model(self, request, coupon, form, change):
        now = timezone.now()
        if change:
            # Only what was edited: the counters move under the hands of buyers.
            columns = {field.name for field in coupon._meta.concrete_fields}
            coupon.save(update_fields=[*(name for name in form.changed_data if name in columns), "code_key"])
            if form.changed_data:
                changed = ", ".join(form.changed_data)
                log_act(by=request.user, deed="coupon changed", subject=coupon, reason=changed, at=now)
        else:
            coupon.created_by = request.user
            coupon.save()
            log_act(by=request.user, deed="coupon made", subject=coupon, reason=worth_of(coupon), at=now)
        if (not change or "code" in form.changed_data) and (twins := _look_alikes(coupon)):
            self.message_user(
                request,
                _(
                    "People may mistake “%(code)s” for %(twins)s: O and 0, I, L and 1, S and 5, Z and 2, B and 8 look alike."
                )
                % {"code": coupon.code, "twins": ", ".join(f"“{twin}”" for twin in twins)},
                messages.WARNING,
            )

    def get_search_results(self, request, queryset, search_term):
        found, has_duplicates = super().get_search_results(request, queryset, search_term)
        if key := code_key(search_term):
            found |= queryset.filter(code_key__contains=key)
        return found, has_duplicates

    @admin.display(description=gettext_lazy("worth"))
    def worth(self, coupon):
        return worth_of(coupon)

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_words(self, coupon):
        return STATES[coupon.state]

    @admin.display(description=gettext_lazy("used"), ordering="used")
    def uses(self, coupon):
        return f"{coupon.used} / {coupon.max_total}" if coupon.max_total is not None else coupon.used

    @admin.display(description=gettext_lazy("spent"), ordering="spent_cents")
    def spent(self, coupon):
        spent = format_money(coupon.spent_cents, coupon.currency)
        if coupon.budget_cents is None:
            return spent
        return f"{spent} / {format_money(coupon.budget_cents, coupon.currency)}"

    @admin.display(description=gettext_lazy("when"), ordering="ends_at")
    def window(self, coupon):
        starts = date_format(timezone.localtime(coupon.starts_at), "j M Y") if coupon.starts_at else ""
        ends = date_format(last_day_before(coupon.ends_at), "j M Y") if coupon.ends_at else ""
        if starts and ends:
            return f"{starts} – {ends}"
        if starts:
            return _("from %(day)s") % {"day": starts}
        return _("to %(day)s") % {"day": ends} if ends else _("always")

    @admin.display(description=gettext_lazy("percent off"))
    def percent_words(self, coupon):
        return _percent(coupon)

    @admin.display(description=gettext_lazy("amount"), empty_value="–")
    def amount_words(self, coupon):
        return None if coupon.amount_cents is None else format_money(coupon.amount_cents, coupon.currency)

    @admin.display(description=gettext_lazy("largest discount"))
    def cap_words(self, coupon):
        cap = coupon.max_discount_cents
        return _("no cap") if cap is None else format_money(cap, coupon.currency)

    @admin.action(description=gettext_lazy("Switch on"), permissions=["change"])
    def switch_on(self, request, coupons):
        changed = self._set_each(request, coupons.filter(is_active=False), "coupon switched on", is_active=True)
        self._say(request, ngettext("%d coupon is switched on.", "%d coupons are switched on.", changed), changed)

    @admin.action(
        description=gettext_lazy("Switch off: refused at once, open checkouts keep it"), permissions=["change"]
    )
    def switch_off(self, request, coupons):
        changed = self._set_each(request, coupons.filter(is_active=True), "coupon switched off", is_active=False)
        self._say(request, ngettext("%d coupon is switched off.", "%d coupons are switched off.", changed), changed)

    @admin.action(description=gettext_lazy("Archive: refused for good, its history stays"), permissions=["change"])
    def archive(self, request, coupons):
        changed = self._set_each(
            request, coupons.filter(archived_at=None), "coupon archived", archived_at=timezone.now()
        )
        self._say(request, ngettext("%d coupon is archived.", "%d coupons are archived.", changed), changed)

    @admin.action(description=gettext_lazy("Bring back from the archive, switched off"), permissions=["change"])
    def bring_back(self, request, coupons):
        archived = coupons.filter(archived_at__isnull=False)
        changed = self._set_each(request, archived, "coupon brought back", archived_at=None, is_active=False)
        self._say(request, ngettext("%d coupon is back.", "%d coupons are back.", changed), changed)

    @transaction.atomic
    def _set_each(self, request: HttpRequest, coupons: QuerySet[Coupon], deed: str, **values: object) -> int:
        """How many of ``coupons`` were changed; each change is logged with it."""
        now = timezone.now()
        chosen = list(coupons)
        for coupon in chosen:
            Coupon.objects.filter(pk=coupon.pk).update(**values)
            log_act(by=cast(User, request.user), deed=deed, subject=coupon, at=now)
        forget_pages()
        return len(chosen)

    def _say(self, request: HttpRequest, words: str, changed: int) -> None:
        if changed:
            self.message_user(request, words % changed, messages.SUCCESS)
        else:
            self.message_user(request, _("Nothing changed: none of them stood so."), messages.WARNING)


class AgeFilter(admin.SimpleListFilter):
    """Holds that outlive every payment page point at something stuck."""

    title = gettext_lazy("held")
    parameter_name = "held"

    def lookups(self, request, model_admin):
        return [("hour", _("for more than an hour")), ("day", _("for more than a day"))]

    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        hours = 1 if self.value() == "hour" else 24
        return queryset.filter(state=Claim.State.HELD, held_at__lt=timezone.now() - timedelta(hours=hours))


@admin.register(Claim)
class ClaimAdmin(admin.ModelAdmin):
    """To be read: a hold ends with its order, which expires by itself or is closed on its own page."""

    list_display = ["coupon", "state", "age", "discount", "order_link", "held_at"]
    list_filter = ["state", AgeFilter, "held_at"]
    list_select_related = ["coupon", "order"]
    search_fields = ["coupon__code", "order__number"]
    date_hierarchy = "held_at"
    fields = [
        ("coupon", "order_link"),
        ("state", "discount", "age"),
        ("held_at", "redeemed_at"),
        ("released_at", "released_because"),
    ]

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.display(description=gettext_lazy("held since"), ordering="-held_at")
    def age(self, claim):
        return timesince(claim.held_at, depth=1) if claim.state == Claim.State.HELD else "–"

    @admin.display(description=gettext_lazy("discount"), ordering="discount_cents")
    def discount(self, claim):
        return format_money(claim.discount_cents, claim.coupon.currency)

    @admin.display(description=gettext_lazy("order"))
    def order_link(self, claim):
        """Orders live above this app: the link is made from what the database knows."""
        order = getattr(claim, "order", None)
        if order is None:
            return "–"
        return format_html('<a href="{}">{}</a>', reverse("admin:payments_order_change", args=[order.pk]), order.number)


def worth_of(coupon: Coupon) -> str:
    """``50% off, at most US$30.00``, ``US$20.00 off`` or ``for US$15.00``."""
    amount = format_money(coupon.amount_cents or 0, coupon.currency)
    if coupon.kind == Coupon.Kind.PERCENT:
        words = _("%(worth)s off") % {"worth": _percent(coupon)}
    elif coupon.kind == Coupon.Kind.AMOUNT:
        words = _("%(worth)s off") % {"worth": amount}
    else:
        words = _("for %(money)s") % {"money": amount}
    if coupon.max_discount_cents is None:
        return words
    cap = format_money(coupon.max_discount_cents, coupon.currency)
    return _("%(worth)s, at most %(money)s") % {"worth": words, "money": cap}


def _percent(coupon: Coupon) -> str:
    whole, rest = divmod(coupon.percent_bp or 0, 100)
    return f"{whole}.{rest:02}".rstrip("0").rstrip(".") + "%" if rest else f"{whole}%"


def _is_promised(coupon: Coupon) -> bool:
    return coupon.used > 0 or coupon.claims.exists()


def _look_alikes(coupon: Coupon) -> list[str]:
    """Codes of other coupons that read like this one."""
    folded: F | Replace = F("code_key")
    wanted = coupon.code_key
    for sign, twin in LOOK_ALIKES.items():
        folded, wanted = Replace(folded, Value(sign), Value(twin)), wanted.replace(sign, twin)
    others = Coupon.objects.filter(archived_at=None).exclude(pk=coupon.pk).alias(folded=folded)
    return list(others.filter(folded=wanted).values_list("code", flat=True)[:5])
