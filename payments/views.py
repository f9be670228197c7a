"""Buying: price fragment, checkout, orders, receipts, code entry, Stripe's webhook."""

import functools
import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
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
from accounts.signing_up import AddressTaken
from coupons import guessing
from coupons.pricing import covered_offers, quote
from coupons.refusals import Reason, Refusal, refusal
from courses.models import Bundle, Offer
from courses.offers import get_offer_or_404
from enrolments.enrolling import AlreadyEnrolled
from foundation import throttle
from foundation.errors import too_many
from foundation.network import caller_network
from foundation.throttle import Limit, TooManyFailures
from payments import settlement, stripe_gateway, webhooks
from payments.access import SignInFirst, get_order, placed_here, remember_order, sign_in_new_buyer
from payments.buyers import account_of, buyer_of
from payments.checkout import CodeRefused, PriceChanged, payment_page, place
from payments.forms import AddressForm, CheckoutForm, RedeemForm
from payments.models import Order, Receipt
from payments.receipt_paper import render_pdf
from payments.templatetags.buying import price_box_context
from payments.till import guessers, price_for

logger = logging.getLogger(__name__)

LARGEST_WEBHOOK_BYTES = 512 * 1024
TERMS_VERSION = "2026-11"
# No card slows down whoever orders for nothing.
FREE_ORDERS = Limit("free-order", count=20, minutes=60)

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
    is_paying = request.method == "POST" and request.POST.get("act") != "apply"
    code = (request.POST.get("code", "") if request.method == "POST" else request.GET.get("coupon", ""))[:200].strip()
    form = CheckoutForm(request.POST if is_paying else None, signed_in=signed_in, initial=_typed(request))

    status = 200
    if is_paying and form.is_valid():
        address = "" if signed_in else form.cleaned_data["email"]
        if address and account_of(address):
            here = f"{reverse('payments:checkout', args=[slug])}?{urlencode({'coupon': code})}"
            return send_code_and_continue(request, address, here)
        try:
            return _buy(request, offer, code, form)
        except (AlreadyEnrolled, PriceChanged) as error:
            form.add_error(None, str(error))
            status = 409
        except CodeRefused as error:
            form.add_error(None, str(error))
            status = 422
        except TooManyFailures as error:
            return too_many(request, error.retry_after)
        except stripe_gateway.StripeIsAway:
            logger.exception("Stripe is away at checkout of %s", slug)
            form.add_error(
                None,
                _(
                    "The payment service does not answer at the moment. Nothing was charged. Please try again in a minute."
                ),
            )
            status = 503
        except stripe_gateway.StripeRefused:
            logger.exception("Stripe refuses the checkout of %s", slug)
            form.add_error(None, _("This payment could not be prepared. Nothing was charged. Please write to us."))
            status = 502
    elif is_paying:
        status = 422

    typed_address = "" if signed_in else (form["email"].value() or "")
    buyer = buyer_of(user=request.user, address=typed_address, offer=offer, at=now)
    till = price_for(request, offer, code, at=now, buyer=buyer)
    if till.retry_after:
        status = 429
    owns_all = bool(till.quote.lines) and {line.course.pk for line in till.quote.lines} <= buyer.owned_courses
    context = {
        "offer": offer,
        "form": form,
        "quote": till.quote,
        "till": till,
        "code": code,
        "already_enrolled": owns_all or (isinstance(offer, Bundle) and not till.quote.lines),
    }
    response = TemplateResponse(request, "payments/checkout.html", context, status=status)
    if till.retry_after:
        response["Retry-After"] = str(till.retry_after)
    return response


def _typed(request: HttpRequest) -> dict[str, str]:
    """What stays in the fields when only the code was applied."""
    return {name: request.POST.get(name, "") for name in ("email", "name", "company", "tax_id", "terms")}


def _buy(request: HttpRequest, offer: Offer, code: str, form: CheckoutForm) -> HttpResponseBase:
    now = timezone.now()
    user: Any = request.user if request.user.is_authenticated else None
    if code:
        guessing.check(*guessers(request), at=now)
    seen = form.cleaned_data["seen_total"]
    if seen == 0:
        throttle.check(FREE_ORDERS, caller_network(request), at=now)
    try:
        order = place(
            offer=offer,
            code=code,
            user=user,
            details=form.details(email=user.email if user else ""),
            seen_total_cents=-1 if seen is None else seen,
            terms_version=TERMS_VERSION,
            at=now,
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
    return redirect(payment_page(order, at=now))


@never_cache
@login_required
@require_GET
def orders(request: HttpRequest) -> HttpResponse:
    """What the signed-in person bought or began to buy."""
    mine = Order.objects.filter(buyer=request.user).prefetch_related("receipts")
    return TemplateResponse(request, "payments/orders.html", {"orders": mine[:200]})


@order_page
@require_GET
def order(request: HttpRequest, order: Order) -> HttpResponseBase:
    """One order: what it is, how it stands, what comes next."""
    return TemplateResponse(request, "payments/order.html", _order_context(request, order))


def _order_context(request: HttpRequest, order: Order) -> dict[str, Any]:
    user: Any = request.user
    is_staff_view = user.is_authenticated and user.pk != order.buyer_id and not placed_here(request, order)
    events = order.events.all()
    return {
        "order": order,
        "lines": list(order.lines.select_related("course", "enrolment")),
        "events": events if is_staff_view else events.filter(for_staff=False),
        "receipt": order.receipts.filter(kind=Receipt.Kind.RECEIPT).first(),
        "may_correct_address": _may_correct_address(request, order),
        "is_expired_unpaid": order.is_pending and order.expires_at <= timezone.now(),
    }


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
    return redirect(order)


@order_page
@require_POST
def pay(request: HttpRequest, order: Order) -> HttpResponseBase:
    """Carry on with the payment of a pending order."""
    now = timezone.now()
    if order.is_pending and order.expires_at > now and not order.is_awaiting_bank:
        try:
            return redirect(payment_page(order, at=now))
        except (stripe_gateway.StripeIsAway, stripe_gateway.StripeRefused) as error:
            logger.warning("Order %s: no payment page: %s", order.number, error)
            messages.error(
                request, _("The payment service does not answer at the moment. Please try again in a minute.")
            )
            return redirect(order)
    if not order.is_settled:
        query = f"?{urlencode({'coupon': order.code})}" if order.code else ""
        return redirect(reverse("payments:checkout", args=[order.offer.slug]) + query)
    return redirect(order)


@order_page
@require_POST
def cancel(request: HttpRequest, order: Order) -> HttpResponseBase:
    """Give a pending order up; its code is free again."""
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
        try:
            settlement.move_to_address(order, form.cleaned_data["email"], at=timezone.now())
        except AddressTaken as error:
            form.add_error("email", str(error))
        else:
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
    status, offers = 200, []
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
        # What one price does not need, another may.
        if refused_on_first is None or refused_on_first.reason in {Reason.NOT_NEEDED, Reason.BELOW_MINIMUM}:
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
