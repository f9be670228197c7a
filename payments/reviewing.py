"""Staff have looked at an order that asked for it."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from enrolments.models import Enrolment
from foundation.acts import log_act
from payments.models import Order, OrderEvent


class NobodyHasTheSeat(Exception):
    """The order is paid, and its buyer has no seat in one of its courses: looking does not make that right."""


class SomethingNew(Exception):
    """What there is to look at is not what was looked at."""


@transaction.atomic
def mark_looked_at(order: Order, *, seen: str, reason: str, by: User, at: datetime) -> None:
    """Take ``order`` off the list of those to look at, and write down what ``by`` found.

    A course paid for by somebody who had a seat in it already is written to that seat, so that the books add up again.

    :raises SomethingNew: the list says something else than ``seen`` by now.
    :raises NobodyHasTheSeat: give the seat or the money first.
    """
    if not Order.objects.filter(pk=order.pk, review_reason=seen).exclude(review_reason="").update(review_reason=""):
        raise SomethingNew
    if Order.objects.paid().filter(pk=order.pk).exists():
        for line in order.lines.filter(enrolment=None).select_related("course"):
            line.enrolment = Enrolment.objects.standing().filter(learner=order.buyer, course=line.course).first()
            if line.enrolment is None:
                raise NobodyHasTheSeat(line.title)
            line.save(update_fields=["enrolment"])
    words = _("Looked at by %(who)s: %(reason)s") % {"who": by.get_username(), "reason": reason}
    OrderEvent.objects.create(order=order, at=at, kind="looked_at", text=words[:300], for_staff=True)
    log_act(by=by, deed="order looked at", subject=order, reason=f"{reason} ({seen})", at=at)
