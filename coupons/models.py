"""Codes and the uses made of them. Worth and limits are held by the database; the price itself by pricing.py."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from coupons.codes import code_key
from courses.models import Course, Offer, Topic
from foundation.money import CURRENCIES, share_of


def redeemable_at(at: datetime) -> Q:
    """Coupons switched on, not archived, and inside their window (half-open)."""
    return (
        Q(is_active=True, archived_at=None)
        & (Q(starts_at=None) | Q(starts_at__lte=at))
        & (Q(ends_at=None) | Q(ends_at__gt=at))
    )


class CouponQuerySet(models.QuerySet):
    def redeemable(self, *, at: datetime):
        """Coupons inside their dates that still have uses and budget left."""
        return self.filter(redeemable_at(at)).with_room_for(0)

    def with_room_for(self, discount_cents: int):
        """Coupons with a use left and with budget left for ``discount_cents`` more."""
        return self.filter(
            Q(max_total=None) | Q(used__lt=F("max_total")),
            Q(budget_cents=None)
            | (Q(spent_cents__lte=F("budget_cents") - discount_cents) & Q(spent_cents__lt=F("budget_cents"))),
        )

    def with_state(self, *, at: datetime):
        """Adds ``state``: archived, off, scheduled, ended, used up or open; the columns and filters of the admin."""
        when = models.When
        return self.annotate(
            state=models.Case(
                when(archived_at__isnull=False, then=models.Value("archived")),
                when(is_active=False, then=models.Value("off")),
                when(starts_at__gt=at, then=models.Value("scheduled")),
                when(ends_at__lte=at, then=models.Value("ended")),
                when(used__gte=F("max_total"), then=models.Value("used up")),
                when(spent_cents__gte=F("budget_cents"), then=models.Value("used up")),
                default=models.Value("open"),
                output_field=models.CharField(),
            )
        )


class Coupon(models.Model):
    """A code that makes something cheaper for somebody, for a while."""

    class Kind(models.TextChoices):
        PERCENT = "percent", _("percent off")
        AMOUNT = "amount", _("amount off")
        FIXED_PRICE = "fixed_price", _("fixed price")

    code = models.CharField(
        max_length=40, help_text=_("As people see it. Case, spaces and dashes do not matter when it is typed.")
    )
    code_key = models.CharField(
        max_length=32, unique=True, editable=False, error_messages={"unique": _("Another coupon has this code.")}
    )
    note = models.TextField(blank=True, help_text=_("Only staff see this: why it exists, who asked for it."))
    tag = models.CharField(
        max_length=60, blank=True, db_index=True, help_text=_("Groups coupons for search and reports.")
    )

    kind = models.CharField(max_length=12, choices=Kind, default=Kind.PERCENT)
    percent_bp = models.PositiveIntegerField(
        _("percent off (basis points)"), null=True, blank=True,
        help_text=_("5000 means 50%. The discount is rounded half up to the cent, then taken off."),
    )  # fmt: skip
    amount_cents = models.PositiveIntegerField(
        _("amount (cents)"),
        null=True,
        blank=True,
        help_text=_("Taken off, or for a fixed price the price itself. It never raises a price."),
    )
    currency = models.CharField(max_length=3, default="usd", choices=CURRENCIES)
    max_discount_cents = models.PositiveIntegerField(
        _("largest discount (cents)"), null=True, blank=True, help_text=_("Empty: no cap.")
    )

    starts_at = models.DateTimeField(null=True, blank=True, help_text=_("Empty: at once."))
    ends_at = models.DateTimeField(null=True, blank=True, help_text=_("From this moment it is refused. Empty: no end."))
    is_active = models.BooleanField(
        _("switched on"), default=True, help_text=_("Off refuses it at once; open checkouts that hold it keep it.")
    )
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    max_total = models.PositiveIntegerField(
        _("uses in all"), null=True, blank=True, help_text=_("Held and redeemed uses count. Empty: no limit.")
    )
    max_per_person = models.PositiveSmallIntegerField(
        _("uses per person"), null=True, blank=True, default=1, help_text=_("Empty: no limit.")
    )
    budget_cents = models.PositiveBigIntegerField(
        _("budget (cents)"),
        null=True,
        blank=True,
        help_text=_("The sum of discounts stops here; the last buyer gets what is left."),
    )
    used = models.PositiveIntegerField(default=0, editable=False, help_text=_("Held and redeemed."))
    spent_cents = models.PositiveBigIntegerField(default=0, editable=False, help_text=_("Discounts held and redeemed."))

    all_offers = models.BooleanField(_("for everything"), default=False, help_text=_("Off: only what is chosen below."))
    offers = models.ManyToManyField(Offer, blank=True, related_name="coupons", verbose_name=_("courses and bundles"))
    topics = models.ManyToManyField(
        Topic, blank=True, related_name="coupons", help_text=_("Courses with one of these topics.")
    )
    audience = models.CharField(
        max_length=12,
        blank=True,
        choices=Course.Audience,
        help_text=_("Only courses of this audience, and bundles wholly of it."),
    )
    min_price_cents = models.PositiveIntegerField(
        _("smallest price (cents)"),
        null=True,
        blank=True,
        help_text=_("What it costs after a sale must be at least this."),
    )
    allowed_emails = models.TextField(
        blank=True,
        help_text=_("One address or @domain a line. Empty: everyone. Others read that the code is not known."),
    )
    first_purchase_only = models.BooleanField(
        default=False, help_text=_("Only for people who have not bought here before.")
    )
    stackable_with_sale = models.BooleanField(
        _("also on sale prices"),
        default=False,
        help_text=_("Off: the buyer gets the sale price or the code, whichever is lower."),
    )
    restore_on_refund = models.BooleanField(default=False, help_text=_("A full refund gives the use back."))
    listed = models.BooleanField(
        default=True,
        help_text=_("On: people read exactly why it is refused. Off: they only read that it is not known."),
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CouponQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(percent_bp=None) | Q(percent_bp__range=(1, 10_000)),
                name="coupon_percent_from_0_01_to_100",
                violation_error_message=_("A coupon takes between 0.01% and 100% off."),
            ),
            models.CheckConstraint(
                condition=(
                    Q(kind="percent", percent_bp__isnull=False, amount_cents=None)
                    | Q(kind__in=["amount", "fixed_price"], percent_bp=None, amount_cents__isnull=False)
                ),
                name="coupon_has_the_one_value_of_its_kind",
                violation_error_message=_(
                    "Fill in the percent for a percent coupon, the amount for the other two, and only that."
                ),
            ),
            models.CheckConstraint(
                condition=~Q(kind="amount") | Q(amount_cents__gt=0),
                name="coupon_amount_is_more_than_nothing",
                violation_error_message=_("An amount off is at least one cent."),
            ),
            models.CheckConstraint(
                condition=Q(starts_at=None) | Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                name="coupon_ends_after_it_starts",
                violation_error_message=_("A coupon ends after it starts."),
            ),
            models.CheckConstraint(
                condition=Q(max_total=None) | Q(used__lte=F("max_total")),
                name="coupon_is_not_used_more_than_it_may",
                violation_error_message=_("It has already been used more often than that."),
            ),
            models.CheckConstraint(
                condition=Q(budget_cents=None) | Q(spent_cents__lte=F("budget_cents")),
                name="coupon_spends_within_its_budget",
                violation_error_message=_("It has already given away more than that."),
            ),
            models.CheckConstraint(
                condition=Q(max_per_person=None) | Q(max_per_person__gte=1),
                name="coupon_has_at_least_one_use_per_person",
                violation_error_message=_("A person may use it at least once."),
            ),
        ]
        permissions = [("generate_coupon", "Can generate batches of coupons"), ("export_coupon", "Can export coupons")]

    def __str__(self) -> str:
        return self.code

    def save(self, *args, **kwargs) -> None:
        self.code_key = code_key(self.code) or ""
        super().save(*args, **kwargs)

    def discount_on(self, price_cents: int) -> int:
        """Cents that this coupon takes off ``price_cents`` by its worth and cap, half up, never more than the price.

        What is left of the budget is pricing's to respect.
        """
        if self.kind == self.Kind.PERCENT:
            discount = share_of(price_cents, self.percent_bp or 0)
        elif self.kind == self.Kind.AMOUNT:
            discount = self.amount_cents or 0
        else:
            discount = max(price_cents - (self.amount_cents or 0), 0)
        if self.max_discount_cents is not None:
            discount = min(discount, self.max_discount_cents)
        return min(discount, price_cents)


class ClaimQuerySet(models.QuerySet):
    def active(self):
        """Claims that count against the limits."""
        return self.filter(state__in=[Claim.State.HELD, Claim.State.REDEEMED])


class Claim(models.Model):
    """One use of a coupon by one buyer: held while they pay, redeemed once paid, released when they do not."""

    class State(models.TextChoices):
        HELD = "held", _("held")
        REDEEMED = "redeemed", _("redeemed")
        RELEASED = "released", _("released")

    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="claims")
    buyer_key = models.CharField(max_length=80, db_index=True)
    slot = models.PositiveIntegerField(help_text=_("1 to the uses that one person may have."))
    state = models.CharField(max_length=10, choices=State, default=State.HELD)
    discount_cents = models.PositiveIntegerField()
    held_at = models.DateTimeField()
    redeemed_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    released_because = models.CharField(max_length=40, blank=True)

    objects = ClaimQuerySet.as_manager()

    class Meta:
        ordering = ["-held_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["coupon", "buyer_key", "slot"],
                condition=Q(state__in=["held", "redeemed"]),
                name="one_active_claim_per_slot_of_a_buyer",
            )
        ]

    def __str__(self) -> str:
        return f"{self.coupon} {self.state}"
