"""Orders and everything around them as staff see them, and the buttons they press."""

import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from enrolments.models import Enrolment
from foundation.acts import acts_on
from foundation.models import StaffAct
from mail.models import Message
from payments.models import LedgerEntry, Order, Receipt, ReconcileRun, WebhookEvent
from tests.factories import CouponFactory, CourseFactory, StaffFactory
from tests.payments.buying import ANNA, bought, pay, placed

pytestmark = pytest.mark.django_db

INDEX = "/admin/"
LIST = "/admin/payments/order/"
EVENTS = "/admin/payments/webhookevent/"
BUTTONS = ["ask_stripe", "close", "mail_receipt", "looked_at"]
JOBS = ["expire_orders", "reconcile", "sweep_webhooks", "sweep_outbox", "purge_orders"]


@pytest.fixture
def staff():
    client = Client()
    client.force_login(StaffFactory())
    return client


@pytest.fixture
def looker():
    """Staff who may see orders and press nothing."""
    user = StaffFactory(is_superuser=False)
    user.user_permissions.add(Permission.objects.get(codename="view_order"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def course():
    return CourseFactory(slug="undoing-depression", title="UnDoing Depression")


def page_of(order: Order) -> str:
    return reverse("admin:payments_order_change", args=[order.pk])


def press(client: Client, button: str, order: Order, **typed: str):
    return client.post(reverse(f"admin:payments_order_{button}", args=[order.pk]), typed, follow=True)


def run(client: Client, job: str):
    return client.post(reverse(f"admin:run_{job}"), follow=True)


def words(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def event(**more) -> WebhookEvent:
    now = timezone.now()
    number = WebhookEvent.objects.count()
    row = {"event_id": f"evt_{number}", "type": "checkout.session.completed", "state": "failed", "last_error": "away"}
    return WebhookEvent.objects.create(**row | {"created_at": now, "received_at": now, "next_at": now} | more)


# Looking


def test_the_list_shows_who_bought_what_with_which_code_for_how_much(client, sandbox, staff, course):
    CouponFactory(code="changeways70")
    order = bought(client, sandbox, course, seen=70_00, code="changeways70")

    page = words(staff.get(LIST))

    for said in (order.number, "paid", ANNA, "UnDoing Depression", "changeways70", "US$70.00"):
        assert said in page


def test_the_order_page_tells_the_whole_story(client, sandbox, staff, course):
    order = bought(client, sandbox, course)
    payment, receipt = order.payments.get(), order.receipts.get()

    response = staff.get(page_of(order))

    for said in (
        order.attempts.get().session_id, payment.intent_id, payment.charge_id, receipt.number, "US$140.00",
        "Enrolled in “UnDoing Depression”", "charge",
    ):  # fmt: skip
        assert said in words(response)
    assert reverse("payments:receipt", args=[order.number]) in response.content.decode()


@pytest.mark.parametrize("by", ["number", "email", "code", "session", "intent"])
def test_an_order_is_found_by_whatever_somebody_quotes(client, sandbox, staff, course, by):
    CouponFactory(code="changeways70")
    order = bought(client, sandbox, course, seen=70_00, code="changeways70")
    placed(Client(), CourseFactory(), email="mara@example.org")
    quoted = {
        "number": order.number.lower(),
        "email": ANNA,
        "code": "changeways70",
        "session": order.attempts.get().session_id,
        "intent": order.payments.get().intent_id,
    }

    assert list(staff.get(LIST, {"q": quoted[by]}).context["cl"].queryset) == [order]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"review": "yes"}, {"review"}),
        ({"is_awaiting_bank__exact": "1"}, {"bank"}),
        ({"state__exact": "paid"}, {"paid"}),
    ],
)
def test_filters_find_what_waits_for_somebody(client, sandbox, staff, course, query, found):
    orders = {
        "paid": bought(client, sandbox, course),
        "review": placed(Client(), CourseFactory(), email="a@example.org"),
        "bank": placed(Client(), CourseFactory(), email="b@example.org"),
    }
    Order.objects.filter(pk=orders["review"].pk).update(review_reason="Paid twice")
    Order.objects.filter(pk=orders["bank"].pk).update(is_awaiting_bank=True)

    listed = set(staff.get(LIST, query).context["cl"].queryset)

    assert listed == {orders[name] for name in found}


@pytest.mark.parametrize("model", ["order", "receipt", "webhookevent", "reconcilerun", "series"])
@pytest.mark.parametrize("deed", ["add", "change", "delete"])
def test_nobody_edits_what_proves_a_purchase(client, sandbox, staff, course, model, deed):
    bought(client, sandbox, course)
    event()
    ReconcileRun.objects.create(kind="day", started_at=timezone.now())
    args = [] if deed == "add" else [_first_pk(model)]

    response = staff.post(reverse(f"admin:payments_{model}_{deed}", args=args), {"post": "yes"})

    assert response.status_code == 403


def _first_pk(model: str) -> int:
    return apps.get_model("payments", model).objects.earliest("pk").pk


@pytest.mark.parametrize("model", ["receipt", "webhookevent", "reconcilerun", "series"])
def test_every_paper_has_a_list_and_a_page(client, sandbox, staff, course, model):
    bought(client, sandbox, course)
    event()
    ReconcileRun.objects.create(kind="day", started_at=timezone.now(), mismatches=["Order X has no receipt"])

    assert staff.get(reverse(f"admin:payments_{model}_changelist")).status_code == 200
    assert staff.get(reverse(f"admin:payments_{model}_change", args=[_first_pk(model)])).status_code == 200


def test_the_list_costs_the_same_with_3_and_with_30_orders(client, sandbox, staff, django_assert_max_num_queries):
    def fill(rows: int) -> None:
        for _ in range(rows):
            number = Order.objects.count()
            order = placed(Client(), CourseFactory(), email=f"buyer{number}@example.org")
            Receipt.objects.create(
                order=order, number=f"RT-{number}", issued_at=timezone.now(), total_cents=1, currency="usd", printed={}
            )
            event()

    lists = [LIST, EVENTS, "/admin/payments/receipt/", INDEX]
    fill(3)
    few = {}
    for address in lists:
        staff.get(address)
        with django_assert_max_num_queries(20) as asked:
            staff.get(address)
            few[address] = len(asked)
    fill(27)

    for address in lists:
        with django_assert_max_num_queries(few[address]):
            staff.get(address)


def test_the_order_page_costs_the_same_however_much_happened(
    client, sandbox, staff, course, django_assert_max_num_queries
):
    order = bought(client, sandbox, course)

    def fill(rows: int) -> None:
        for _ in range(rows):
            n = order.events.count()
            order.events.create(at=timezone.now(), kind="note", text=f"Note {n}")
            LedgerEntry.objects.create(
                order=order, kind="fee", amount_cents=-1, currency="usd", provider_ref=f"fee_{n}", at=timezone.now()
            )
            order.lines.create(course=CourseFactory(), title="More", list_cents=0, total_cents=0)

    fill(3)
    staff.get(page_of(order))
    with django_assert_max_num_queries(30) as asked:
        staff.get(page_of(order))
        few = len(asked)
    fill(27)

    with django_assert_max_num_queries(few):
        staff.get(page_of(order))


# Who may press


@pytest.mark.parametrize("button", BUTTONS)
def test_staff_who_may_only_look_press_no_button(client, sandbox, looker, course, button):
    order = placed(client, course)

    page = looker.get(page_of(order))
    refused = press(looker, button, order, reason="x", seen="")

    order.refresh_from_db()
    assert order.number in words(page)
    assert "Ask Stripe now" not in page.content.decode()
    assert refused.status_code == 403
    assert order.is_pending
    assert not StaffAct.objects.exists()


def test_buttons_want_a_token_and_are_no_links(client, sandbox, course):
    order = placed(client, course)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(StaffFactory())

    assert press(strict, "close", order).status_code == 403
    assert strict.get(reverse("admin:payments_order_close", args=[order.pk])).status_code == 405
    assert run(strict, "expire_orders").status_code == 403
    assert strict.get(reverse("admin:run_expire_orders")).status_code == 405


# Pressing


def test_asking_stripe_settles_an_order_whose_messages_were_lost(client, sandbox, staff, course):
    order = placed(client, course)
    pay(sandbox, order)

    response = press(staff, "ask_stripe", order)

    order.refresh_from_db()
    assert "The order was waiting for payment and is now paid." in words(response)
    assert Enrolment.objects.get().course == course
    assert acts_on(order).get().deed == "asked Stripe"


def test_asking_stripe_about_an_unpaid_order_changes_nothing_and_says_so(client, sandbox, staff, course):
    order = placed(client, course)

    assert "Stripe agrees: the order is waiting for payment." in words(press(staff, "ask_stripe", order))


@pytest.mark.parametrize(("late", "state"), [(False, "cancelled"), (True, "expired")])
def test_closing_ends_an_unpaid_order_and_frees_its_code(client, sandbox, staff, course, late, state):
    coupon = CouponFactory(code="changeways70")
    order = placed(client, course, seen=70_00, code="changeways70")
    if late:
        Order.objects.filter(pk=order.pk).update(expires_at=timezone.now() - timedelta(minutes=1))

    response = press(staff, "close", order)

    order.refresh_from_db()
    coupon.refresh_from_db()
    assert "The order is closed" in words(response)
    assert (order.state, coupon.used) == (state, 0)
    assert acts_on(order).count() == 1


def test_closing_an_order_that_was_paid_settles_it_instead(client, sandbox, staff, course):
    order = placed(client, course)
    pay(sandbox, order)

    response = press(staff, "close", order)

    order.refresh_from_db()
    assert "It was paid after all" in words(response)
    assert order.state == "paid"


@pytest.mark.parametrize("button", ["ask_stripe", "close"])
def test_while_stripe_is_away_nothing_changes_and_staff_read_why(client, sandbox, staff, course, settings, button):
    order = placed(client, course)
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"

    response = press(staff, button, order)

    order.refresh_from_db()
    assert "Stripe gave no clear answer, so nothing was changed" in words(response)
    assert order.is_pending


def test_the_receipt_is_mailed_again_as_often_as_asked(client, sandbox, staff, course):
    order = bought(client, sandbox, course)

    first = press(staff, "mail_receipt", order)
    press(staff, "mail_receipt", order)

    assert f"The receipt is on its way to {ANNA} again." in words(first)
    assert Message.objects.filter(kind="receipt", to=ANNA).count() == 3
    assert acts_on(order).count() == 2


def test_there_is_no_receipt_to_mail_before_the_payment(client, sandbox, staff, course):
    order = placed(client, course)

    assert "There is no receipt yet" in words(press(staff, "mail_receipt", order))
    assert not Message.objects.filter(kind="receipt").exists()


# Review


@pytest.fixture
def flagged(client, sandbox, course):
    order = bought(client, sandbox, course)
    order.review_reason = "Paid twice: give one payment back"
    order.save()
    return order


def test_an_order_to_look_at_says_why_and_is_marked_with_what_was_found(staff, flagged):
    page = staff.get(page_of(flagged))
    response = press(staff, "looked_at", flagged, seen=flagged.review_reason, reason="Gave one back at Stripe")

    flagged.refresh_from_db()
    act = acts_on(flagged).get()
    assert "Paid twice: give one payment back" in words(page)
    assert "Marked as looked at." in words(response)
    assert flagged.review_reason == ""
    assert act.reason == "Gave one back at Stripe (Paid twice: give one payment back)"
    assert flagged.events.filter(kind="looked_at", for_staff=True).count() == 1


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"reason": "  "}, "Write down what you found"),
        ({"reason": "Fine", "seen": "Something older"}, "There is something else to look at by now"),
    ],
)
def test_without_a_reason_or_after_news_it_stays_to_be_looked_at(staff, flagged, typed, sentence):
    response = press(staff, "looked_at", flagged, **({"seen": flagged.review_reason} | typed))

    flagged.refresh_from_db()
    assert sentence in words(response)
    assert flagged.review_reason


def test_a_paid_order_without_a_seat_cannot_be_looked_away(staff, flagged):
    flagged.lines.update(enrolment=None)
    Enrolment.objects.update(standing="ended")

    response = press(staff, "looked_at", flagged, seen=flagged.review_reason, reason="Fine")

    flagged.refresh_from_db()
    assert "the buyer has no seat in it" in words(response)
    assert flagged.review_reason


def test_a_course_paid_for_while_having_it_is_written_to_that_seat(staff, flagged, course):
    seat = Enrolment.objects.get()
    flagged.lines.update(enrolment=None)

    press(staff, "looked_at", flagged, seen=flagged.review_reason, reason="Wants to keep both")

    assert flagged.lines.get().enrolment == seat
    assert "Paid but not enrolled: 0" in words(staff.get(INDEX))


# Messages from Stripe


def test_a_failed_message_is_acted_on_again(client, sandbox, staff, course):
    order = placed(client, course)
    row = event(object_id=pay(sandbox, order))

    response = staff.post(EVENTS, {"action": "act_again", "_selected_action": [row.pk]}, follow=True)

    row.refresh_from_db()
    order.refresh_from_db()
    assert "1 message was acted on." in words(response)
    assert (row.state, order.state) == ("done", "paid")
    assert acts_on(row).count() == 1


def test_a_message_that_fails_again_says_so(sandbox, staff):
    row = event(object_id="cs_test_nobody")

    response = staff.post(EVENTS, {"action": "act_again", "_selected_action": [row.pk]}, follow=True)

    assert "1 message failed again." in words(response)


# The index


def test_the_index_says_how_we_are_doing(staff):
    page = words(staff.get(INDEX))

    for said in (
        "Paid but not enrolled: 0", "Orders that need a look: 0", "Mails that failed: 0",
        "Mails that were perhaps sent: 0", "Messages from Stripe that failed: 0", "Not yet",
    ):  # fmt: skip
        assert said in page


def test_the_index_counts_what_went_wrong_and_leads_there(client, sandbox, staff, course):
    order = bought(client, sandbox, course)
    order.lines.update(enrolment=None)
    event()
    now = timezone.now()
    ReconcileRun.objects.create(kind="day", started_at=now, ended_at=now, mismatches=["Order X has no receipt"])

    response = staff.get(INDEX)

    assert "Paid but not enrolled: 1" in words(response)
    assert "Messages from Stripe that failed: 1" in words(response)
    assert "1 mismatch" in words(response)
    assert "Order X has no receipt" in words(response)
    for link in re.findall(r'href="(/admin/(?:payments|mail)/[^"]*\?[^"]*)"', response.content.decode()):
        assert staff.get(link.replace("&amp;", "&")).status_code == 200
    assert list(staff.get(LIST, {"review": "seat"}).context["cl"].queryset) == [order]


def test_staff_who_may_see_no_orders_see_the_lists_alone(client):
    client.force_login(StaffFactory(is_superuser=False))

    page = client.get(INDEX)

    assert page.status_code == 200
    assert "Paid but not enrolled" not in page.content.decode()
    assert "Expire unpaid orders" not in page.content.decode()


@pytest.mark.parametrize("job", JOBS)
def test_jobs_are_for_those_who_may_settle(looker, job):
    assert run(looker, job).status_code == 403
    assert not StaffAct.objects.exists()


@pytest.mark.parametrize(
    ("job", "sentence"),
    [
        ("expire_orders", "Expire unpaid orders: 1 unpaid orders were closed."),
        ("reconcile", "Reconcile with Stripe: "),
        ("sweep_webhooks", "Sweep webhooks: 0 messages from Stripe were acted on."),
        ("sweep_outbox", "Sweep the outbox: 0 mails delivered, 0 marked as perhaps sent."),
        ("purge_orders", "Purge unpaid orders: 0 orders that were never paid were deleted."),
    ],
)
def test_a_job_runs_at_once_and_says_what_it_did(client, sandbox, staff, course, job, sentence):
    order = placed(client, course)
    Order.objects.filter(pk=order.pk).update(expires_at=timezone.now() - timedelta(hours=1))

    response = run(staff, job)

    assert sentence in words(response)
    assert StaffAct.objects.get().deed == f"ran {job.replace('_', '-')}"


def test_reconciling_finds_a_payment_of_which_nobody_told(client, sandbox, staff, course):
    order = placed(client, course)
    pay(sandbox, order)

    run(staff, "reconcile")

    order.refresh_from_db()
    assert order.state == "paid"
    assert "No mismatch" in words(staff.get(INDEX))
