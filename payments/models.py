"""Orders and everything that proves them: attempts, payments, ledger, webhook events, receipts. Rows are added, not edited."""

import secrets
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from coupons.models import Claim
from courses.models import Course, Offer
from enrolments.models import Enrolment
from foundation.money import CURRENCIES

# Crockford's symbols: no I, L, O or U, so that a number can be read out on the phone.
_SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_order_number() -> str:
    """Ten random symbols (50 bits): says nothing about how many orders there are."""
    return "".join(secrets.choice(_SYMBOLS) for _ in range(10))


class OrderQuerySet(models.QuerySet):
    def pending(self):
        return self.filter(state=Order.State.PENDING)

    def overdue(self, *, at: datetime):
        """Pending orders whose time to pay is over."""
        return self.pending().filter(expires_at__lte=at)

    def in_review(self):
        """Orders on which staff should look."""
        return self.exclude(review_reason="")

    def paid(self):
        """Orders whose money came and was not all given back."""
        return self.filter(state__in=[Order.State.PAID, Order.State.PARTIALLY_REFUNDED, Order.State.DISPUTED])


class Order(models.Model):
    """One purchase, frozen as it was placed: titles, prices, code and buyer never change afterwards."""

    class State(models.TextChoices):
        PENDING = "pending", _("waiting for payment")
        PAID = "paid", _("paid")
        PARTIALLY_REFUNDED = "partially_refunded", _("partially refunded")
        REFUNDED = "refunded", _("refunded")
        DISPUTED = "disputed", _("disputed")
        CHARGED_BACK = "charged_back", _("charged back")
        EXPIRED = "expired", _("expired")
        CANCELLED = "cancelled", _("cancelled")

    number = models.CharField(max_length=12, unique=True, default=new_order_number, editable=False)
    state = models.CharField(max_length=20, choices=State, default=State.PENDING)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="orders")
    claim = models.OneToOneField(Claim, on_delete=models.PROTECT, null=True, blank=True, related_name="order")

    # The account's id if the address has one, else a hash of the address; settle() rewrites it.
    buyer_key = models.CharField(max_length=80, db_index=True)
    buyer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="orders"
    )
    email = models.EmailField()
    buyer_name = models.CharField(max_length=120, blank=True)
    company = models.CharField(max_length=120, blank=True)
    tax_id = models.CharField(max_length=60, blank=True)
    country = models.CharField(max_length=2, blank=True)
    province = models.CharField(max_length=6, blank=True)

    offer_title = models.CharField(max_length=160)
    is_sensitive = models.BooleanField(default=False)
    code = models.CharField(max_length=40, blank=True)
    applied = models.CharField(
        max_length=20, blank=True, help_text=_("Which offer made the price: sale, coupon, bundle …")
    )
    currency = models.CharField(max_length=3, choices=CURRENCIES)
    subtotal_cents = models.PositiveIntegerField(help_text=_("The sum of list prices."))
    sale_cents = models.PositiveIntegerField(default=0, help_text=_("Taken off by a sale or a bundle."))
    coupon_cents = models.PositiveIntegerField(default=0, help_text=_("Taken off by the code."))
    waived_cents = models.PositiveIntegerField(default=0, help_text=_("A rest too small to be charged."))
    tax_cents = models.PositiveIntegerField(default=0)
    total_cents = models.PositiveIntegerField()
    terms_version = models.CharField(max_length=20, blank=True)

    placed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True, help_text=_("When it expired or was cancelled."))
    is_awaiting_bank = models.BooleanField(
        default=False, help_text=_("The buyer has done their part; the bank has not answered.")
    )
    review_reason = models.TextField(blank=True)
    made_account = models.BooleanField(default=False, help_text=_("This payment made the buyer's account."))

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-placed_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["buyer_key", "offer"],
                condition=Q(state="pending"),
                name="one_pending_order_per_buyer_and_offer",
            ),
            models.CheckConstraint(
                condition=Q(
                    total_cents=F("subtotal_cents")
                    - F("sale_cents")
                    - F("coupon_cents")
                    - F("waived_cents")
                    + F("tax_cents")
                ),
                name="order_total_is_the_sum_of_its_parts",
            ),
            models.CheckConstraint(
                condition=Q(paid_at__isnull=False) | Q(state__in=["pending", "expired", "cancelled"]),
                name="order_that_was_paid_says_when",
            ),
        ]
        permissions = [("settle_order", "Can settle, expire and reconcile orders")]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("payments:order", args=[self.number])

    @property
    def is_pending(self) -> bool:
        return self.state == self.State.PENDING

    @property
    def is_settled(self) -> bool:
        """Money (or the agreement that none is due) has come in at some time."""
        return self.paid_at is not None

    @property
    def discount_cents(self) -> int:
        return self.sale_cents + self.coupon_cents + self.waived_cents


class OrderLine(models.Model):
    """One course of an order; a bundle has one line for each course that the buyer did not own."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="order_lines")
    position = models.PositiveSmallIntegerField(default=0)
    title = models.CharField(max_length=160)
    list_cents = models.PositiveIntegerField()
    discount_cents = models.PositiveIntegerField(default=0)
    tax_cents = models.PositiveIntegerField(default=0)
    total_cents = models.PositiveIntegerField()
    enrolment = models.ForeignKey(
        Enrolment, on_delete=models.PROTECT, null=True, blank=True, related_name="order_lines"
    )

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "course"], name="course_once_in_an_order"),
            models.CheckConstraint(
                condition=Q(total_cents=F("list_cents") - F("discount_cents") + F("tax_cents")),
                name="order_line_total_is_the_sum_of_its_parts",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class CheckoutAttempt(models.Model):
    """One Stripe Checkout session for an order. Its parameters are fixed here first, so that a retry sends the same bytes."""

    class State(models.TextChoices):
        PREPARED = "prepared", _("prepared")
        OPEN = "open", _("open")
        COMPLETE = "complete", _("complete")
        EXPIRED = "expired", _("expired")
        FAILED = "failed", _("failed")

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State, default=State.PREPARED)
    params = models.JSONField()
    idempotency_key = models.CharField(max_length=120, unique=True)
    session_id = models.CharField(max_length=120, unique=True, null=True, blank=True)
    url = models.URLField(max_length=1000, blank=True)
    expires_at = models.DateTimeField(help_text=_("When Stripe closes the payment page."))
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["order", "number"], name="attempt_number_once_per_order")]

    def __str__(self) -> str:
        return f"{self.order}, attempt {self.number}"


class Payment(models.Model):
    """Money that came in for an order (or the record that none was due)."""

    class Provider(models.TextChoices):
        STRIPE = "stripe", "Stripe"
        NONE = "none", _("nothing to pay")

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    provider = models.CharField(max_length=10, choices=Provider)
    intent_id = models.CharField(max_length=120, unique=True, null=True, blank=True)
    charge_id = models.CharField(max_length=120, blank=True)
    amount_cents = models.PositiveIntegerField()
    currency = models.CharField(max_length=3, choices=CURRENCIES)
    method = models.CharField(max_length=40, blank=True, help_text=_("Such as “Visa ending in 4242”."))
    paid_at = models.DateTimeField()
    is_live = models.BooleanField(default=False)

    class Meta:
        ordering = ["paid_at", "id"]

    def __str__(self) -> str:
        return self.intent_id or f"nothing to pay for {self.order}"


class LedgerEntry(models.Model):
    """One movement of money; what was paid and given back is always the sum of these."""

    class Kind(models.TextChoices):
        CHARGE = "charge", _("charge")
        REFUND = "refund", _("refund")
        REFUND_REVERSAL = "refund_reversal", _("failed refund")
        DISPUTE_DEBIT = "dispute_debit", _("dispute debit")
        DISPUTE_CREDIT = "dispute_credit", _("dispute credit")
        FEE = "fee", _("fee")

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="ledger")
    kind = models.CharField(max_length=16, choices=Kind)
    amount_cents = models.IntegerField(help_text=_("Positive came in, negative went out."))
    currency = models.CharField(max_length=3, choices=CURRENCIES)
    provider_ref = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]
        verbose_name_plural = _("ledger entries")
        constraints = [models.UniqueConstraint(fields=["kind", "provider_ref"], name="money_moves_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.provider_ref}"


class OrderEvent(models.Model):
    """One line of an order's timeline, in words that buyer and staff may read."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=40)
    text = models.CharField(max_length=300)
    for_staff = models.BooleanField(default=False, help_text=_("Hidden from the buyer."))

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return self.text


class WebhookEvent(models.Model):
    """A message from Stripe, stored once under Stripe's id, then acted on; what fails is tried again."""

    class State(models.TextChoices):
        RECEIVED = "received", _("received")
        DONE = "done", _("done")
        IGNORED = "ignored", _("ignored")
        FAILED = "failed", _("failed")

    event_id = models.CharField(max_length=120, unique=True)
    type = models.CharField(max_length=80)
    object_id = models.CharField(max_length=120, blank=True)
    order_number = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField()
    received_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.RECEIVED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()
    last_error = models.TextField(blank=True)

    class Meta:
        ordering = ["-received_at", "-id"]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(state__in=["received", "failed"]), name="webhook_events_due")
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class Series(models.Model):
    """Counts the numbers of one kind of paper in one year without gaps."""

    key = models.CharField(max_length=20, unique=True)
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = _("series")

    def __str__(self) -> str:
        return f"{self.key}: {self.last}"


class Receipt(models.Model):
    """A numbered paper with every printed value frozen in ``printed``; never edited, deleted or renumbered."""

    class Kind(models.TextChoices):
        RECEIPT = "receipt", _("receipt")
        CREDIT_NOTE = "credit_note", _("credit note")

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="receipts")
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.RECEIPT)
    number = models.CharField(max_length=20, unique=True)
    refers_to = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="credit_notes")
    issued_at = models.DateTimeField()
    total_cents = models.PositiveIntegerField()
    currency = models.CharField(max_length=3, choices=CURRENCIES)
    printed = models.JSONField()

    class Meta:
        ordering = ["-issued_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["order"], condition=Q(kind="receipt"), name="one_receipt_per_order")
        ]

    def __str__(self) -> str:
        return self.number


class ReconcileRun(models.Model):
    """What one comparison with Stripe saw, mended and could not mend."""

    kind = models.CharField(max_length=12)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    seen = models.PositiveIntegerField(default=0)
    mended = models.PositiveIntegerField(default=0)
    mismatches = models.JSONField(default=list)
    cursor = models.CharField(max_length=120, blank=True, help_text=_("The newest Stripe event that was read."))

    class Meta:
        ordering = ["-started_at", "-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.started_at:%Y-%m-%d %H:%M}"
