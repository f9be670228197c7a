"""Buying: price fragment, checkout, orders, receipts, code entry, Stripe's webhook."""

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.signing_in import send_code_and_continue
from accounts.signing_up import AddressProved, AddressTaken
from coupons import guessing
from coupons.pricing import covered_offers, quote
from coupons.refusals import Reason, Refusal, refusal
from courses.models import Bundle, Course, Offer
from courses.offers import get_offer_or_404
from enrolments.enrolling import AlreadyEnrolled
from foundation import throttle
from foundation.errors import too_many
from foundation.money import format_money
from foundation.network import caller_network
from foundation.throttle import Limit, TooManyFailures
from payments import settlement, stripe_gateway, webhooks
from payments.access import (
    SignInFirst,
    finished_by_the_first_click,
    get_order,
    is_buyer,
    number_for_next_order,
    orders_of_browser,
    placed_here,
    remember_order,
    sign_in_new_buyer,
)
from payments.buyers import account_of, buyer_of
from payments.checkout import CodeRefused, PriceChanged, StillWithTheBank, payment_page, place
from payments.forms import AddressForm, CheckoutForm, RedeemForm
from payments.models import Order, OrderLine, Receipt
from payments.receipt_paper import render_pdf
from payments.templatetags.buying import price_box_context
from payments.till import guessers, price_for

logger = logging.getLogger(__name__)

LARGEST_WEBHOOK_BYTES = 512 * 1024
TERMS_VERSION = "2026-11"
# No card slows down whoever orders for nothing.
FREE_ORDERS = Limit("free-order", count=20, minutes=60)
# Each correction mails a receipt.
CORRECTIONS = Limit("order-address", count=5, minutes=24 * 60)
# Stripe tells us of a payment within seconds; the returned buyer's page looks for it for a minute.
LOOKS, SECONDS_BETWEEN_LOOKS = 20, 3
ORDERS_ON_A_PAGE = 20

View = Callable[..., HttpResponseBase]


def order_page(view: View) -> View:
    """A view of one order that its owner, the browser that placed it or staff may open; never kept by a cache."""

    @never_cache
    @functools.wraps(view)
    def wrapper(request: HttpRequest, number: str) -> HttpResponseBase:
        try:
            order = get_order(request, number)
        except SignInFirst as error:
            return error.response
        return view(request, order)

    return wrapper


@never_cache
@require_GET
def price(request: HttpRequest, slug: str) -> HttpResponse:
    """The price box alone; 429 when codes were guessed too often."""
    offer = get_offer_or_404(slug, at=timezone.now())
    context = price_box_context(request, offer)
    response = TemplateResponse(request, "payments/includes/price_box.html", context)
    if context["till"].retry_after:  # type: ignore[attr-defined]
        response.status_code = 429
        response["Retry-After"] = str(context["till"].retry_after)  # type: ignore[attr-defined]
    return response


@never_cache
@require_http_methods(["GET", "POST"])
def checkout(request: HttpRequest, slug: str) -> HttpResponseBase:
    """From offer to order: shows the total, takes the address, and leads to the payment page."""
    now = timezone.now()
    offer = get_offer_or_404(slug, at=now)
    signed_in = request.user.is_authenticated
    code = _typed_code(request)
    is_paying = request.method == "POST" and _wants_to_pay(request.POST)
    form = CheckoutForm(request.POST if is_paying else None, signed_in=signed_in, initial=_typed(request))

    trouble = Trouble()
    if is_paying and form.is_valid():
        address = "" if signed_in else form.cleaned_data["email"]
        if address and (account := account_of(address)):
            if twin := finished_by_the_first_click(request, offer, account):
                return redirect(twin)
            return send_code_and_continue(request, address, _here(offer, code))
        outcome = _try_to_buy(request, offer, code, form)
        if not isinstance(outcome, Trouble):
            return outcome
        trouble = outcome
        if trouble.message:
            form.add_error(None, trouble.message)
    elif is_paying:
        trouble = Trouble(status=422)

    typed_address = "" if signed_in else (form["email"].value() or "")
    buyer = buyer_of(user=request.user, address=typed_address, offer=offer, at=now)
    till = price_for(request, offer, code, at=now, buyer=buyer, is_counted=trouble.code_error != "")
    retry_after = till.retry_after or trouble.retry_after
    context = {
        "offer": offer,
        "is_bundle": isinstance(offer, Bundle),
        "form": form,
        "quote": till.quote,
        "till": till,
        "code": code,
        "code_error": till.wait_message or trouble.code_error or till.code_error,
        "here": _here(offer, code),
        "is_for_the_public": any(line.course.audience == Course.Audience.PUBLIC for line in till.quote.lines),
    }
    response = TemplateResponse(
        request, "payments/checkout.html", context, status=429 if retry_after else trouble.status
    )
    if retry_after:
        response["Retry-After"] = str(retry_after)
    return response


@dataclass(frozen=True)
class Trouble:
    """Why there is no order, and with which status the checkout says so."""

    status: int = 200
    message: str = ""
    code_error: str = ""
    retry_after: int = 0


def _here(offer: Offer, code: str) -> str:
    address = reverse("payments:checkout", args=[offer.slug])
    return f"{address}?{urlencode({'coupon': code})}" if code else address


def _typed_code(request: HttpRequest) -> str:
    if request.POST.get("act") == "remove":
        return ""
    code = request.POST.get("code", "") if request.method == "POST" else request.GET.get("coupon", "")
    return code[:200].strip()


def _wants_to_pay(typed: QueryDict) -> bool:
    """Whoever presses Enter in the field of the code means the code, and in another field the payment."""
    act = typed.get("act", "pay")
    if act == "enter":
        return typed.get("code", "").strip() == typed.get("shown_code", "").strip()
    return act == "pay"


def _typed(request: HttpRequest) -> dict[str, str]:
    """What stays in the fields when only the code was applied."""
    return {name: request.POST.get(name, "") for name in ("email", "name", "company", "tax_id", "terms")}


def _seen_total(request: HttpRequest) -> int:
    """The cents that the page showed; -1, which no total is, when it does not say."""
    typed = request.POST.get("seen_total", "")
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) <= 12 else -1


def _try_to_buy(request: HttpRequest, offer: Offer, code: str, form: CheckoutForm) -> HttpResponseBase | Trouble:
    try:
        return _buy(request, offer, code, form)
    except (AlreadyEnrolled, StillWithTheBank) as error:
        return Trouble(409, str(error))
    except PriceChanged as error:
        return Trouble(409, _what_changed(error, seen=_seen_total(request)))
    except CodeRefused as error:
        return Trouble(422, code_error=str(error))
    except TooManyFailures as error:
        return Trouble(429, str(error), retry_after=error.retry_after)
    except stripe_gateway.StripeIsAway:
        logger.exception("Stripe is away: an earlier order for %s cannot be replaced", offer.slug)
        return Trouble(
            503,
            _("The payment service does not answer at the moment. Nothing was charged. Please try again in a minute."),
        )


def _what_changed(changed: PriceChanged, *, seen: int) -> str:
    if seen < 0:
        return str(changed)
    now = changed.quote
    return _("The price is %(now)s now; this page showed %(seen)s. Please look at the new total and confirm it.") % {
        "now": format_money(now.total_cents, now.currency),
        "seen": format_money(seen, now.currency),
    }


def _buy(request: HttpRequest, offer: Offer, code: str, form: CheckoutForm) -> HttpResponseBase:
    now = timezone.now()
    user: Any = request.user if request.user.is_authenticated else None
    if code:
        guessing.check(*guessers(request), at=now)
    seen = _seen_total(request)
    if seen == 0:
        throttle.check(FREE_ORDERS, caller_network(request), at=now)
    number = number_for_next_order(request, offer)
    try:
        order = place(
            offer=offer,
            code=code,
            user=user,
            details=form.details(email=user.email if user else ""),
            seen_total_cents=seen,
            terms_version=TERMS_VERSION,
            at=now,
            number=number,
            continuing=None if user else [number, *orders_of_browser(request)],
        )
    except CodeRefused as error:
        guessing.notice(error.refusal, *guessers(request), at=now)
        raise
    remember_order(request, order)
    if order.total_cents == 0:
        throttle.record(FREE_ORDERS, caller_network(request), at=now)
        order = settlement.settle_free(order, at=now)
        sign_in_new_buyer(request, order)
        return redirect(order)
    return _to_payment(request, order)


def _to_payment(request: HttpRequest, order: Order) -> HttpResponseBase:
    """On to the payment page; where it cannot be had, to the page of the order, from which it can be tried again."""
    if order.is_awaiting_bank or order.review_reason:
        return redirect(order)
    try:
        return redirect(payment_page(order, at=timezone.now()))
    except stripe_gateway.StripeIsAway:
        logger.exception("Order %s: Stripe is away", order.number)
        messages.error(request, _("The payment service does not answer at the moment. Please try again in a minute."))
    except stripe_gateway.StripeRefused:
        logger.exception("Order %s: Stripe refuses the payment page", order.number)
        messages.error(request, _("This payment could not be prepared. Please write to us and name the order."))
    return redirect(order)


@never_cache
@login_required
@require_GET
def orders(request: HttpRequest) -> HttpResponse:
    """What the signed-in person bought or began to buy."""
    mine = Order.objects.filter(buyer_id=request.user.pk).prefetch_related("receipts")
    page = Paginator(mine, ORDERS_ON_A_PAGE).get_page(request.GET.get("page"))
    return TemplateResponse(request, "payments/orders.html", {"page": page})


@order_page
@require_GET
def order(request: HttpRequest, order: Order) -> HttpResponseBase:
    """One order: what it is, how it stands, what comes next. Just after the return it looks again a few times."""
    context = _order_context(request, order)
    looks = _looks(request)
    context["is_waiting"] = bool(looks) and order.is_pending and not context["has_ended"]
    context["is_looking_again"] = context["is_waiting"] and looks < LOOKS
    context["order_state"] = f"payments/includes/states/{_state_shown(order, context)}.html"
    response = TemplateResponse(request, "payments/order.html", context)
    if context["is_looking_again"]:
        again = reverse("payments:return", args=[order.number])
        response["Refresh"] = f"{SECONDS_BETWEEN_LOOKS};url={again}?looks={looks}"
    return response


def _state_shown(order: Order, context: dict[str, Any]) -> str:
    if context["is_staff_view"]:
        return "staff"
    if context["has_ended"]:
        return "ended"
    if order.is_awaiting_bank:
        return "bank"
    if order.is_pending:
        return "waiting" if context["is_waiting"] or context["is_looked_into"] else "pending"
    return "paid" if order.state == Order.State.PAID else "other"


def _looks(request: HttpRequest) -> int:
    """How often the returned buyer's browser has looked for the payment."""
    typed = request.GET.get("looks", "")
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 4 else 0


def _order_context(request: HttpRequest, order: Order) -> dict[str, Any]:
    now = timezone.now()
    user: Any = request.user
    is_staff_view = not is_buyer(request, order)
    events = order.events.all()
    lines = list(order.lines.select_related("course", "enrolment"))
    has_ended = order.state in {Order.State.EXPIRED, Order.State.CANCELLED}
    return {
        "order": order,
        "lines": lines,
        "events": events if is_staff_view else events.filter(for_staff=False),
        "receipt": order.receipts.filter(kind=Receipt.Kind.RECEIPT).first(),
        "may_correct_address": _may_correct_address(request, order),
        "is_staff_view": is_staff_view,
        "has_ended": has_ended or (order.is_pending and not order.is_awaiting_bank and order.expires_at <= now),
        "is_looked_into": _is_looked_into(order, lines),
        "is_mine": user.is_authenticated and user.pk == order.buyer_id,
        "may_edit": is_staff_view and user.is_staff and user.has_perm("payments.view_order"),
        "order_again": _here(order.offer, order.code),
    }


def _is_looked_into(order: Order, lines: list[OrderLine]) -> bool:
    """Staff must decide before the buyer has everything, or pays again."""
    return bool(order.review_reason) and any(line.enrolment is None for line in lines)


def _may_correct_address(request: HttpRequest, order: Order) -> bool:
    buyer = order.buyer
    return buyer is not None and buyer.made_by_order == order.number and placed_here(request, order)


@order_page
@require_GET
def payment_return(request: HttpRequest, order: Order) -> HttpResponseBase:
    """Back from the payment page: asks Stripe how it went, never the address bar."""
    try:
        order = settlement.settle_order(order, at=timezone.now())
    except (stripe_gateway.StripeIsAway, stripe_gateway.StripeRefused) as error:
        logger.warning("Order %s: Stripe did not answer on return: %s", order.number, error)
    sign_in_new_buyer(request, order)
    if order.is_pending:
        return redirect(f"{order.get_absolute_url()}?{urlencode({'looks': min(_looks(request) + 1, LOOKS)})}")
    return redirect(order)


@order_page
@require_POST
def pay(request: HttpRequest, order: Order) -> HttpResponseBase:
    """Carry on with the payment of a pending order. Staff have the admin for what they do."""
    if not is_buyer(request, order):
        raise Http404
    if order.is_pending and order.expires_at > timezone.now():
        return _to_payment(request, order)
    if not order.is_settled:
        return redirect(_here(order.offer, order.code))
    return redirect(order)


@order_page
@require_POST
def cancel(request: HttpRequest, order: Order) -> HttpResponseBase:
    """Give a pending order up; its code is free again."""
    if not is_buyer(request, order):
        raise Http404
    try:
        if order.is_pending and not order.is_awaiting_bank:
            order = settlement.give_up(order, because=_("Cancelled by the buyer"), at=timezone.now())
    except (stripe_gateway.StripeIsAway, stripe_gateway.StripeRefused) as error:
        logger.warning("Order %s could not be cancelled: %s", order.number, error)
        messages.error(request, _("The payment service does not answer at the moment. Please try again in a minute."))
    return redirect(order)


@order_page
@require_http_methods(["GET", "POST"])
def address(request: HttpRequest, order: Order) -> HttpResponseBase:
    """Correct a mistyped address, from the browser that paid, until the first sign-in that proved it."""
    if not _may_correct_address(request, order):
        raise Http404
    form = AddressForm(request.POST or None, initial={"email": order.email})
    status = 200
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        try:
            throttle.check(CORRECTIONS, order.number, at=now)
            settlement.move_to_address(order, form.cleaned_data["email"], at=now)
        except (AddressTaken, AddressProved) as error:
            form.add_error("email", str(error))
        except TooManyFailures as error:
            return too_many(request, error.retry_after)
        else:
            throttle.record(CORRECTIONS, order.number, at=now)
            messages.success(request, _("Thank you. Your receipt is on its way to the new address."))
            return redirect(order)
    if form.errors:
        status = 422
    return TemplateResponse(request, "payments/address.html", {"order": order, "form": form}, status=status)


@order_page
@require_GET
def receipt(request: HttpRequest, order: Order) -> HttpResponseBase:
    """The receipt as PDF, set from what was frozen when it was issued."""
    paper = get_object_or_404(Receipt, order=order, kind=Receipt.Kind.RECEIPT)
    response = HttpResponse(render_pdf(paper), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{paper.number}.pdf"'
    return response


@never_cache
@require_GET
def redeem(request: HttpRequest) -> HttpResponseBase:
    """Where somebody with a code in hand learns what it is for."""
    code = request.GET.get("coupon", "")[:200].strip()
    form = RedeemForm(request.GET if "coupon" in request.GET else None)
    status = 200
    offers: list[Offer] = []
    if form.is_bound and form.is_valid():
        try:
            offers, refused = _offers_for(request, code)
        except TooManyFailures as error:
            return too_many(request, error.retry_after)
        if refused is not None:
            form.add_error("coupon", refused.message)
    if form.errors:
        status = 422
    elif len(offers) == 1:
        return redirect(f"{offers[0].get_absolute_url()}?{urlencode({'coupon': code})}")
    return TemplateResponse(
        request, "payments/redeem.html", {"form": form, "offers": offers, "code": code}, status=status
    )


def _offers_for(request: HttpRequest, code: str) -> tuple[list[Offer], Refusal | None]:
    """The visible offers that ``code`` is for, or why there are none for this person."""
    now = timezone.now()
    who = guessers(request)
    guessing.check(*who, at=now)
    offers = covered_offers(code, at=now)
    refused = refusal(Reason.UNKNOWN)
    if offers:
        buyer = buyer_of(user=request.user, offer=offers[0], at=now)
        refused_on_first = quote(offer=offers[0], code=code, buyer=buyer, at=now).refusal
        # What one price does not need, another may; and whom the code is for, the checkout finds out.
        passing = {Reason.NOT_NEEDED, Reason.BELOW_MINIMUM}
        if not request.user.is_authenticated:
            passing.add(Reason.WRONG_PERSON)
        if refused_on_first is None or refused_on_first.reason in passing:
            return offers, None
        refused = refused_on_first
    guessing.notice(refused, *who, at=now)
    return [], refused


@csrf_exempt
@require_POST
@transaction.non_atomic_requests
def webhook(request: HttpRequest) -> HttpResponse:
    """A message from Stripe: 200 once it is stored, since from then on we try again ourselves."""
    now = timezone.now()
    if int(request.headers.get("Content-Length") or 0) > LARGEST_WEBHOOK_BYTES:
        return HttpResponse("too large", status=413)
    try:
        event = stripe_gateway.read_webhook(request.body, request.headers.get("Stripe-Signature", ""), at=now)
    except stripe_gateway.BadWebhook as error:
        return HttpResponse(str(error), status=400, content_type="text/plain")
    if event.is_live != settings.STRIPE_LIVE:
        return HttpResponse("other mode", content_type="text/plain")
    row = webhooks.take_in(event, at=now)
    if row.state in {row.State.RECEIVED, row.State.FAILED}:
        webhooks.hand_to_worker(row)
    return HttpResponse("stored", content_type="text/plain")
