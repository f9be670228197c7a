import re
from datetime import timedelta
from io import BytesIO

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from accounts.models import User
from coupons.models import Claim
from enrolments.models import Enrolment
from mail.models import Message
from payments import settlement
from payments.models import CheckoutAttempt, Order, Receipt
from tests.factories import BundleFactory, CouponFactory, CourseFactory, StaffFactory, UserFactory
from tests.payments.buying import ANNA, bought, checkout_url, pay, placed
from tests.payments.delivering import deliver

pytestmark = pytest.mark.django_db


def words(response) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


@pytest.fixture
def course():
    return CourseFactory(slug="undoing-depression", title="UnDoing Depression")


@pytest.fixture
def half():
    return CouponFactory(code="changeways70", percent_bp=5000)


def back(order: Order) -> str:
    """Where Stripe sends the buyer after the payment."""
    return reverse("payments:return", args=[order.number])


# Not paid yet


def test_an_order_that_is_not_paid_says_until_when_it_is_held_and_leads_back_to_the_payment(client, sandbox, course):
    order = placed(client, course)

    page = client.get(order.get_absolute_url())
    go_on = client.post(reverse("payments:pay", args=[order.number]))

    assert f"until {timezone.localtime(order.expires_at):%H:%M}" in words(page)
    assert "Pay US$140.00" in words(page)
    assert go_on.headers["Location"] == CheckoutAttempt.objects.get().url
    assert "Refresh" not in page.headers


def test_cancelling_gives_the_code_back_and_offers_the_same_again(client, sandbox, course, half):
    order = placed(client, course, seen=70_00, code="changeways70")

    page = client.post(reverse("payments:cancel", args=[order.number]), follow=True)

    half.refresh_from_db()
    order.refresh_from_db()
    assert (order.state, order.claim.state, half.used) == (Order.State.CANCELLED, Claim.State.RELEASED, 0)
    assert "Nothing was charged" in words(page)
    assert f'href="{checkout_url(course)}?coupon=changeways70"' in page.content.decode()


def test_an_order_that_was_paid_in_the_meantime_is_not_cancelled(client, sandbox, course):
    order = placed(client, course)
    pay(sandbox, order)

    page = client.post(reverse("payments:cancel", args=[order.number]), follow=True)

    assert "You are enrolled" in words(page)


@pytest.mark.parametrize("late_by", [timedelta(0), timedelta(hours=2)])
def test_an_order_whose_time_is_over_is_ordered_again(client, sandbox, course, late_by):
    order = placed(client, course)
    Order.objects.filter(pk=order.pk).update(expires_at=timezone.now() - late_by)

    page = client.get(order.get_absolute_url())
    go_on = client.post(reverse("payments:pay", args=[order.number]))

    assert "This order has run out" in words(page)
    assert go_on.headers["Location"] == checkout_url(course)


@pytest.mark.parametrize("name", ["pay", "cancel"])
def test_a_link_alone_neither_pays_nor_cancels(client, sandbox, course, name):
    order = placed(client, course)

    assert client.get(reverse(f"payments:{name}", args=[order.number])).status_code == 405


# Back from the payment page


def test_coming_back_asks_stripe_and_not_the_address_bar(client, sandbox, course):
    order = placed(client, course)

    page = client.get(back(order), {"session_id": "cs_test_paid", "paid": "1"}, follow=True)

    order.refresh_from_db()
    assert order.state == Order.State.PENDING
    assert not Enrolment.objects.exists()
    assert "We are checking your payment" in words(page)


def test_the_page_looks_again_by_itself_for_a_minute_and_then_stops(client, sandbox, course):
    order = placed(client, course)
    addresses, page = [back(order)], None

    for _ in range(100):
        page = client.get(addresses[-1], follow=True)
        if "Refresh" not in page.headers:
            break
        seconds, address = page.headers["Refresh"].split(";url=")
        assert seconds == "3"
        assert "looks again by itself every three seconds" in words(page)
        addresses.append(address)

    assert len(addresses) == 20
    assert "This takes longer than usual" in words(page)


@pytest.mark.parametrize("looks", ["-1", "x", "", "9" * 50, "٣"])
def test_no_number_of_looks_breaks_the_page(client, sandbox, course, looks):
    order = placed(client, course)

    assert client.get(order.get_absolute_url(), {"looks": looks}).status_code == 200
    assert client.get(back(order), {"looks": looks}).status_code == 302


def test_a_bank_that_takes_its_time_is_waited_for_and_then_enrols(client, sandbox, course):
    order = placed(client, course)
    session = CheckoutAttempt.objects.get().session_id
    sandbox.control("sessions/delay", session=session)

    waiting = client.get(back(order), follow=True)
    refused = client.post(reverse("payments:cancel", args=[order.number]))
    sandbox.control("sessions/succeed", session=session)
    deliver(client, sandbox)
    done = client.get(order.get_absolute_url())

    assert "Your bank is working on it" in words(waiting)
    assert "Pay US$" not in words(waiting)
    assert refused.status_code == 302
    assert "You are enrolled" in words(done)


def test_a_bank_that_says_no_ends_the_order_and_nothing_was_charged(client, sandbox, course):
    order = placed(client, course)
    session = CheckoutAttempt.objects.get().session_id
    sandbox.control("sessions/delay", session=session)
    client.get(back(order))
    sandbox.control("sessions/fail", session=session)
    deliver(client, sandbox)

    page = client.get(order.get_absolute_url())

    assert "Nothing was charged" in words(page)
    assert "The bank did not make the payment" in words(page)
    assert Message.objects.get().kind == "payment_failed"


# Paid


def test_a_paid_order_leads_to_the_course_the_receipt_and_the_next_sign_in(client, sandbox, course, half):
    order = bought(client, sandbox, course, seen=70_00, code="changeways70")

    page = client.get(order.get_absolute_url())

    html = page.content.decode()
    assert "You are enrolled" in words(page)
    assert f'href="{reverse("enrolments:course", args=[course.slug])}"' in html
    assert f'href="{reverse("payments:receipt", args=[order.number])}"' in html
    assert f"We have mailed this receipt to {ANNA}" in words(page).replace(f" {ANNA} ", f" {ANNA}")
    assert "we mail you a code" in words(page)
    assert Receipt.objects.get().number in words(page)
    assert "Refresh" not in page.headers


def test_the_receipt_as_pdf_says_what_was_paid(client, sandbox, course, half):
    order = bought(client, sandbox, course, seen=70_00, code="changeways70")

    response = client.get(reverse("payments:receipt", args=[order.number]))

    text = "".join(page.extract_text() for page in PdfReader(BytesIO(response.content)).pages)
    assert response.headers["Content-Type"] == "application/pdf"
    assert "no-store" in response.headers["Cache-Control"]
    assert "US$70.00" in text
    assert Receipt.objects.get().number in text


def test_an_order_without_a_receipt_has_no_pdf(client, sandbox, course):
    order = placed(client, course)

    assert client.get(reverse("payments:receipt", args=[order.number])).status_code == 404


def test_a_bundle_offers_to_start_each_of_its_courses(client, sandbox):
    courses = [CourseFactory(price_cents=40_00), CourseFactory(price_cents=20_00)]

    order = bought(client, sandbox, BundleFactory(price_cents=50_00, courses=courses), seen=50_00)

    page = client.get(order.get_absolute_url()).content.decode()
    assert all(reverse("enrolments:course", args=[course.slug]) in page for course in courses)


def test_an_account_from_before_is_not_explained_as_new(client, sandbox, course):
    client.force_login(UserFactory(email=ANNA))

    order = bought(client, sandbox, course)

    assert "How to come back" not in words(client.get(order.get_absolute_url()))


def test_a_wrong_amount_is_looked_into_by_people_and_not_asked_for_again(client, sandbox, course):
    order = placed(client, course)
    session = CheckoutAttempt.objects.get().session_id
    sandbox.control("sessions/alter", session=session, changes={"amount_total": 1_00})
    sandbox.control("sessions/pay", session=session)

    page = client.get(back(order), follow=True)
    go_on = client.post(reverse("payments:pay", args=[order.number]))

    order.refresh_from_db()
    assert order.review_reason
    assert "A person is looking at this order" in words(page)
    assert order.review_reason not in words(page)
    assert "Pay US$" not in words(page)
    assert go_on.headers["Location"] == order.get_absolute_url()


# The timeline


def test_the_buyer_reads_what_happened_and_staff_read_more(client, sandbox, course):
    order = bought(client, sandbox, course)
    order.events.create(at=timezone.now(), kind="review", text="Looks like a test", for_staff=True)
    office = Client()
    office.force_login(StaffFactory())

    hers, theirs = words(client.get(order.get_absolute_url())), words(office.get(order.get_absolute_url()))

    assert "Order placed" in hers
    assert "Enrolled in “UnDoing Depression”" in hers
    assert "Looks like a test" not in hers
    assert "Looks like a test" in theirs
    assert f"Order {order.number} of {ANNA}" in theirs
    assert "You are enrolled" not in theirs


# A mistyped address


def test_a_mistyped_address_is_corrected_where_it_was_paid(client, sandbox, course):
    order = bought(client, sandbox, course, email="ana@example.org")
    page = client.get(order.get_absolute_url()).content.decode()
    assert reverse("payments:address", args=[order.number]) in page

    response = client.post(reverse("payments:address", args=[order.number]), {"email": "Anna@Example.org"}, follow=True)

    assert "Your receipt is on its way to the new address" in words(response)
    assert [mail.to for mail in Message.objects.filter(kind="receipt").order_by("pk")] == ["ana@example.org", ANNA]
    assert User.objects.get().email == ANNA
    assert client.get(reverse("enrolments:course", args=[course.slug])).status_code == 200


def test_an_address_that_has_an_account_is_not_taken_over(client, sandbox, course):
    order = bought(client, sandbox, course)
    UserFactory(email="bea@example.org")

    response = client.post(reverse("payments:address", args=[order.number]), {"email": "bea@example.org"})

    assert response.status_code == 422
    assert Enrolment.objects.get().learner.email == ANNA


@pytest.mark.parametrize("typed", ["", "anna", "anna@", "a\x00@example.org"])
def test_a_correction_must_be_an_address(client, sandbox, course, typed):
    order = bought(client, sandbox, course)

    response = client.post(reverse("payments:address", args=[order.number]), {"email": typed})

    assert response.status_code == 422
    assert "<title>Error:" in response.content.decode()


def test_an_address_can_be_corrected_five_times_a_day(client, sandbox, course):
    order = bought(client, sandbox, course)
    answers = [
        client.post(
            reverse("payments:address", args=[order.number]), {"email": f"anna{number}@example.org"}
        ).status_code
        for number in range(6)
    ]

    assert answers == [302] * 5 + [429]


def test_once_its_owner_has_signed_in_the_address_stands(client, sandbox, course):
    order = bought(client, sandbox, course)
    User.objects.update(made_by_order="")

    assert client.get(reverse("payments:address", args=[order.number])).status_code == 404
    assert "Is this address right?" not in words(client.get(order.get_absolute_url()))


# My orders


def test_my_orders_lists_mine_with_state_and_receipt_and_nobody_elses(client, sandbox, course):
    order = bought(client, sandbox, course)
    other = bought(Client(), sandbox, CourseFactory(title="Not mine"), email="bea@example.org")

    page = client.get(reverse("payments:orders"))

    assert order.get_absolute_url() in page.content.decode()
    assert reverse("payments:receipt", args=[order.number]) in page.content.decode()
    assert other.number not in words(page)
    assert "Not mine" not in words(page)


@pytest.mark.parametrize("number", [3, 33])
def test_my_orders_asks_the_database_the_same_however_many_there_are(client, django_assert_max_num_queries, number):
    user = UserFactory()
    for _ in range(number):
        settlement.settle_free(_free_order(user), at=timezone.now())
    client.force_login(user)

    with django_assert_max_num_queries(8):
        page = client.get(reverse("payments:orders"))

    assert words(page).count("Receipt RT-") == min(number, 20)


def _free_order(user) -> Order:
    offer = CourseFactory()
    order = Order.objects.create(
        offer=offer.offer_ptr, buyer_key=f"user:{user.pk}", buyer=user, email=user.email, offer_title=offer.title,
        currency="usd", subtotal_cents=0, total_cents=0, placed_at=timezone.now(), expires_at=timezone.now(),
    )  # fmt: skip
    order.lines.create(course=offer, title=offer.title, list_cents=0, total_cents=0)
    return order


def test_whoever_never_bought_is_shown_the_way_to_the_courses(client):
    client.force_login(UserFactory())

    assert "No orders yet" in words(client.get(reverse("payments:orders")))


def test_an_order_page_asks_the_database_the_same_however_many_courses_it_has(
    client, sandbox, django_assert_max_num_queries
):
    courses = [CourseFactory(price_cents=10_00) for _ in range(12)]
    order = bought(client, sandbox, BundleFactory(price_cents=50_00, courses=courses), seen=50_00)

    with django_assert_max_num_queries(12):
        client.get(order.get_absolute_url())
