"""Ending an order that was not paid."""

from datetime import datetime

from django.db import transaction

from coupons.claims import release
from payments.models import Order, OrderEvent


def close_unpaid(order: Order, *, state: str, because: str, at: datetime) -> bool:
    """End a pending order that can no longer be paid, and give its code back. False when it was not pending any more.

    Only after Stripe said that its payment page is closed (or there never was one).
    """
    with transaction.atomic():
        closed = Order.objects.filter(pk=order.pk, state=Order.State.PENDING).update(
            state=state, closed_at=at, is_awaiting_bank=False
        )
        if closed:
            if order.claim is not None:
                release(order.claim, because=state, at=at)
            OrderEvent.objects.create(order=order, at=at, kind=state, text=because)
    return bool(closed)
