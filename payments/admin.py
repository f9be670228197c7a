from collections.abc import Callable
from datetime import datetime
from typing import cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from accounts.models import User
from foundation.acts import acts_on, log_act
from foundation.money import format_money
from payments import settlement, webhooks
from payments.models import (
    CheckoutAttempt,
    LedgerEntry,
    Order,
    OrderEvent,
    OrderLine,
    Payment,
    Receipt,
    ReconcileRun,
    Series,
    WebhookEvent,
)
from payments.reviewing import NobodyHasTheSeat, SomethingNew, mark_looked_at
from payments.stripe_gateway import StripeIsAway, StripeRefused


class ToBeRead:
    """Written by the shop itself; staff read it. An order's own tables are open to whoever may see orders."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class PartOfOrder(ToBeRead, admin.TabularInline):
    extra = 0
    can_delete = False

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm("payments.view_order")

    def get_fields(self, request, obj=None):
        return self.readonly_fields

    @admin.display(description=gettext_lazy("amount"))
    def amount(self, row):
        return format_money(row.amount_cents, row.currency)


class LineInline(PartOfOrder):
    model = OrderLine
    readonly_fields = ["title", "list_price", "discount", "total", "seat"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("order", "enrolment")

    @admin.display(description=gettext_lazy("list price"))
    def list_price(self, line):
        return format_money(line.list_cents, line.order.currency)

    @admin.display(description=gettext_lazy("taken off"))
    def discount(self, line):
        return format_money(line.discount_cents, line.order.currency)

    @admin.display(description=gettext_lazy("total"))
    def total(self, line):
        return format_money(line.total_cents, line.order.currency)

    @admin.display(description=gettext_lazy("seat"))
    def seat(self, line):
        if line.enrolment is None:
            return "–"
        link = reverse("admin:enrolments_enrolment_change", args=[line.enrolment_id])
        return format_html('<a href="{}">{}</a>', link, line.enrolment.get_standing_display())


class EventInline(PartOfOrder):
    model = OrderEvent
    verbose_name_plural = gettext_lazy("timeline")
    readonly_fields = ["at", "text", "seen_by"]

    @admin.display(description=gettext_lazy("seen by"))
    def seen_by(self, event):
        return _("staff only") if event.for_staff else _("buyer and staff")


class AttemptInline(PartOfOrder):
    model = CheckoutAttempt
    verbose_name_plural = gettext_lazy("payment pages at Stripe")
    readonly_fields = ["number", "state", "session_id", "created_at", "expires_at"]


class PaymentInline(PartOfOrder):
    model = Payment
    readonly_fields = ["paid_at", "amount", "method", "provider", "intent_id", "charge_id", "is_live"]


class LedgerInline(PartOfOrder):
    model = LedgerEntry
    readonly_fields = ["at", "kind", "amount", "provider_ref"]


class ReceiptInline(PartOfOrder):
    model = Receipt
    fk_name = "order"
    readonly_fields = ["number", "kind", "issued_at", "total", "paper"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("order")

    @admin.display(description=gettext_lazy("total"))
    def total(self, receipt):
        return format_money(receipt.total_cents, receipt.currency)

    @admin.display(description=gettext_lazy("paper"))
    def paper(self, receipt):
        return _paper(receipt)


class ReviewFilter(admin.SimpleListFilter):
    title = gettext_lazy("needs a look")
    parameter_name = "review"

    def lookups(self, request, model_admin):
        return [("yes", _("Yes")), ("no", _("No")), ("seat", _("Paid, and nobody is enrolled"))]

    def queryset(self, request, queryset):
        if self.value() == "seat":
            return queryset.paid().filter(lines__enrolment=None, review_reason="").distinct()
        if self.value() == "yes":
            return queryset.in_review()
        return queryset.filter(review_reason="") if self.value() == "no" else queryset


@admin.register(Order)
class OrderAdmin(ToBeRead, admin.ModelAdmin):
    list_display = ["number", "state", "email", "offer_title", "code", "total", "placed_at", "paid_at", "to_look_at"]
    list_filter = ["state", ReviewFilter, "is_awaiting_bank", "placed_at"]
    search_fields = ["number", "email", "code", "attempts__session_id", "payments__intent_id"]
    search_help_text = gettext_lazy("An order's number, an address, a code, or a session or payment id of Stripe.")
    date_hierarchy = "placed_at"
    show_full_result_count = False
    fieldsets = [
        (None, {"fields": [("number", "state", "is_awaiting_bank"), "review_reason"]}),
        (
            gettext_lazy("Buyer"),
            {
                "fields": [
                    ("email", "account", "made_account"),
                    ("buyer_name", "company", "tax_id"),
                    ("country", "province", "terms_version"),
                ]
            },
        ),
        (
            gettext_lazy("Price"),
            {
                "fields": [
                    ("offer_title", "coupon", "applied"),
                    ("list_price", "sale", "coupon_off"),
                    ("waived", "tax", "total"),
                ]
            },
        ),
        (gettext_lazy("When"), {"fields": [("placed_at", "expires_at"), ("paid_at", "closed_at")]}),
        (gettext_lazy("What staff did"), {"fields": ["staff_acts"]}),
    ]
    inlines = [LineInline, EventInline, AttemptInline, PaymentInline, LedgerInline, ReceiptInline]
    change_form_template = "admin/payments/order/change_form.html"

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("buyer", "claim__coupon", "offer")

    @admin.display(description=gettext_lazy("needs a look"), ordering="review_reason", empty_value="–")
    def to_look_at(self, order):
        return order.review_reason or None

    @admin.display(description=gettext_lazy("total"), ordering="total_cents")
    def total(self, order):
        return format_money(order.total_cents, order.currency)

    @admin.display(description=gettext_lazy("list price"))
    def list_price(self, order):
        return format_money(order.subtotal_cents, order.currency)

    @admin.display(description=gettext_lazy("sale or bundle"))
    def sale(self, order):
        return format_money(-order.sale_cents, order.currency)

    @admin.display(description=gettext_lazy("code takes off"))
    def coupon_off(self, order):
        return format_money(-order.coupon_cents, order.currency)

    @admin.display(description=gettext_lazy("waived"))
    def waived(self, order):
        return format_money(-order.waived_cents, order.currency)

    @admin.display(description=gettext_lazy("tax"))
    def tax(self, order):
        return format_money(order.tax_cents, order.currency)

    @admin.display(description=gettext_lazy("account"))
    def account(self, order):
        if order.buyer is None:
            return _("none yet")
        link = reverse("admin:accounts_user_change", args=[order.buyer_id])
        return format_html('<a href="{}">{}</a>', link, order.buyer)

    @admin.display(description=gettext_lazy("code"))
    def coupon(self, order):
        if order.claim is None:
            return order.code or "–"
        link = reverse("admin:coupons_coupon_change", args=[order.claim.coupon_id])
        return format_html('<a href="{}">{}</a> ({})', link, order.code, order.claim.get_state_display())

    @admin.display(description=gettext_lazy("acts"))
    def staff_acts(self, order):
        acts = ((_moment(act.at), act.by_name, act.deed, act.reason) for act in acts_on(order))
        return format_html_join(mark_safe("<br>"), "{}: {}, {}. {}", acts) or "–"

    def change_view(self, request, object_id, form_url="", extra_context=None):
        context = {**(extra_context or {}), "may_settle": request.user.has_perm("payments.settle_order")}
        return super().change_view(request, object_id, form_url, context)

    def get_urls(self):
        deeds: dict[str, Callable[[HttpRequest, Order, datetime], None]] = {
            "ask-stripe": self._ask_stripe,
            "close": self._close,
            "mail-receipt": self._mail_receipt,
            "looked-at": self._looked_at,
        }
        return [
            *(
                path(f"<int:pk>/{name}/", self._button(deed), name=f"payments_order_{name.replace('-', '_')}")
                for name, deed in deeds.items()
            ),
            *super().get_urls(),
        ]

    def _button(self, deed: Callable[[HttpRequest, Order, datetime], None]) -> Callable[..., HttpResponse]:
        """A view that does ``deed`` to one order and comes back to its page."""

        def pressed(request: HttpRequest, pk: int) -> HttpResponse:
            if not request.user.has_perm("payments.settle_order"):
                raise PermissionDenied
            order = get_object_or_404(Order.objects.select_related("buyer", "claim"), pk=pk)
            try:
                deed(request, order, timezone.now())
            except (StripeIsAway, StripeRefused, settlement.UnknownOrder) as error:
                words = _("Stripe gave no clear answer, so nothing was changed (%(error)s). Try again in a minute.")
                self.message_user(request, words % {"error": error}, messages.ERROR)
            return redirect("admin:payments_order_change", pk)

        return self.admin_site.admin_view(require_POST(pressed))

    def _ask_stripe(self, request: HttpRequest, order: Order, at: datetime) -> None:
        before = order.get_state_display()
        after = settlement.settle_order(order, at=at)
        after.refresh_from_db()
        log_act(by=_staff(request), deed="asked Stripe", subject=order, reason=f"{before} → {after.state}", at=at)
        if after.get_state_display() == before:
            self.message_user(request, _("Stripe agrees: the order is %(state)s.") % {"state": before}, messages.INFO)
        else:
            words = _("The order was %(before)s and is now %(after)s.")
            self.message_user(request, words % {"before": before, "after": after.get_state_display()}, messages.SUCCESS)

    def _close(self, request: HttpRequest, order: Order, at: datetime) -> None:
        if not order.is_pending:
            words = _("Nothing to close: the order is %(state)s.") % {"state": order.get_state_display()}
            self.message_user(request, words, messages.WARNING)
            return
        if order.expires_at <= at:
            after = settlement.expire(order, at=at)
        else:
            after = settlement.give_up(order, because=_("Closed by the clinic"), at=at)
        log_act(by=_staff(request), deed="closed if unpaid", subject=order, reason=f"now {after.state}", at=at)
        if after.is_pending:
            words, level = (
                _("It stays open: the buyer has done their part and the bank has not answered."),
                messages.WARNING,
            )
        elif after.is_settled:
            words, level = _("It was paid after all, so it was settled instead of closed."), messages.SUCCESS
        else:
            words, level = _("The order is closed, and its code can be used again."), messages.SUCCESS
        self.message_user(request, words, level)

    def _mail_receipt(self, request: HttpRequest, order: Order, at: datetime) -> None:
        if not order.receipts.filter(kind=Receipt.Kind.RECEIPT).exists():
            self.message_user(request, _("There is no receipt yet: the order is not paid."), messages.WARNING)
            return
        settlement.mail_receipt_again(order, at=at)
        log_act(by=_staff(request), deed="receipt mailed again", subject=order, reason=order.email, at=at)
        words = _("The receipt is on its way to %(email)s again.") % {"email": order.email}
        self.message_user(request, words, messages.SUCCESS)

    def _looked_at(self, request: HttpRequest, order: Order, at: datetime) -> None:
        reason = request.POST.get("reason", "").strip()
        # Browsers send line breaks as CR LF.
        seen = request.POST.get("seen", "").replace("\r\n", "\n")
        if not reason:
            self.message_user(request, _("Write down what you found; nothing was changed."), messages.ERROR)
            return
        try:
            mark_looked_at(order, seen=seen, reason=reason, by=_staff(request), at=at)
        except SomethingNew:
            words = _("There is something else to look at by now, or nothing any more. Please read it again.")
            self.message_user(request, words, messages.WARNING)
        except NobodyHasTheSeat as error:
            words = _(
                "“%(course)s” is paid for, but the buyer has no seat in it. Give the seat or the money back first."
            )
            self.message_user(request, words % {"course": error}, messages.ERROR)
        else:
            self.message_user(request, _("Marked as looked at."), messages.SUCCESS)


@admin.register(Receipt)
class ReceiptAdmin(ToBeRead, admin.ModelAdmin):
    list_display = ["number", "kind", "issued_at", "total", "order", "paper"]
    list_filter = ["kind", "issued_at"]
    list_select_related = ["order"]
    search_fields = ["number", "order__number", "order__email"]
    date_hierarchy = "issued_at"
    fields = ["number", "kind", "issued_at", "total", "order_link", "paper"]

    @admin.display(description=gettext_lazy("total"), ordering="total_cents")
    def total(self, receipt):
        return format_money(receipt.total_cents, receipt.currency)

    @admin.display(description=gettext_lazy("paper"))
    def paper(self, receipt):
        return _paper(receipt)

    @admin.display(description=gettext_lazy("order"))
    def order_link(self, receipt):
        return format_html('<a href="{}">{}</a>', _order_page(receipt.order), receipt.order)


@admin.register(WebhookEvent)
class WebhookEventAdmin(ToBeRead, admin.ModelAdmin):
    list_display = ["event_id", "type", "state", "order_number", "received_at", "attempts", "last_error"]
    list_filter = ["state", "type", "received_at"]
    search_fields = ["event_id", "object_id", "order_number"]
    date_hierarchy = "received_at"
    show_full_result_count = False
    fields = [
        ("event_id", "type"),
        ("object_id", "order_number"),
        ("state", "attempts"),
        "last_error",
        ("created_at", "received_at", "next_at"),
    ]
    actions = ["act_again"]

    def has_settle_permission(self, request):
        return request.user.has_perm("payments.settle_order")

    @admin.action(description=gettext_lazy("Act on again: ask Stripe how things stand"), permissions=["settle"])
    def act_again(self, request, events):
        now = timezone.now()
        waiting = [WebhookEvent.State.RECEIVED, WebhookEvent.State.FAILED]
        tried = list(events.filter(state__in=waiting))
        for event in tried:
            webhooks.act_on(event.pk, at=now)
            log_act(by=_staff(request), deed="webhook acted on again", subject=event, at=now)
        done = WebhookEvent.objects.filter(pk__in=[event.pk for event in tried], state=WebhookEvent.State.DONE).count()
        if done:
            words = ngettext("%d message was acted on.", "%d messages were acted on.", done) % done
            self.message_user(request, words, messages.SUCCESS)
        if failed := len(tried) - done:
            words = ngettext("%d message failed again.", "%d messages failed again.", failed) % failed
            self.message_user(request, words, messages.ERROR)
        if not tried:
            self.message_user(request, _("Nothing to do: none of them waits or has failed."), messages.WARNING)


@admin.register(ReconcileRun)
class ReconcileRunAdmin(ToBeRead, admin.ModelAdmin):
    list_display = ["started_at", "kind", "seen", "mended", "could_not_mend", "ended_at"]
    list_filter = ["kind", "started_at"]
    date_hierarchy = "started_at"
    fields = ["kind", ("started_at", "ended_at"), ("seen", "mended"), "sentences", "cursor"]

    @admin.display(description=gettext_lazy("mismatches"))
    def could_not_mend(self, run):
        return len(run.mismatches)

    @admin.display(description=gettext_lazy("mismatches"))
    def sentences(self, run):
        return format_html_join(mark_safe("<br>"), "{}", ((sentence,) for sentence in run.mismatches)) or "–"


@admin.register(Series)
class SeriesAdmin(ToBeRead, admin.ModelAdmin):
    list_display = ["key", "last"]


def _staff(request: HttpRequest) -> User:
    return cast(User, request.user)


def _moment(at: datetime) -> str:
    return date_format(timezone.localtime(at), "j M Y, H:i")


def _order_page(order: Order) -> str:
    return reverse("admin:payments_order_change", args=[order.pk])


def _paper(receipt: Receipt) -> str:
    if receipt.kind != Receipt.Kind.RECEIPT:
        return "–"
    return format_html('<a href="{}">PDF</a>', reverse("payments:receipt", args=[receipt.order.number]))
