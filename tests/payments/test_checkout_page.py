import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from coupons.models import Claim
from enrolments.models import Enrolment
from mail.models import Message
from payments.models import CheckoutAttempt, Order, Receipt
from tests.factories import BundleFactory, CouponFactory, CourseFactory, EnrolmentFactory, UserFactory
from tests.payments.buying import ANNA, bought, checkout_url, pay, placed, post_checkout

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


# What the page shows


def test_a_new_buyer_is_asked_for_an_address_and_nothing_else(client, course):
    form = client.get(checkout_url(course)).context["form"]

    assert [name for name, field in form.fields.items() if field.required] == ["email", "terms"]


def test_a_code_in_the_address_halves_the_total_and_the_button_says_it(client, course, half):
    response = client.get(checkout_url(course), {"coupon": "changeways70"})

    assert "Pay US$70.00" in words(response)
    assert "Code changeways70 −US$70.00" in words(response).replace("  ", " ")
    assert response.headers["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"


def test_looking_opens_no_session(client, course, half):
    response = client.get(checkout_url(course), {"coupon": "changeways70"})

    assert set(response.cookies) <= {"csrftoken"}


@pytest.mark.parametrize(
    ("coupon", "words_shown"),
    [
        ({"code": "other4"}, "We do not know this code"),
        ({"ends_at": timezone.now() - timedelta(days=3)}, "This code ended on"),
        ({"max_total": 5, "used": 5}, "This code has been used up"),
        ({"all_offers": False}, "This code is for another course"),
        ({"starts_at": timezone.now() + timedelta(days=3)}, "This code works from"),
        ({"min_price_cents": 200_00}, "This code works from a price of US$200.00"),
        ({"allowed_emails": "bea@example.org"}, "This code is for particular people"),
    ],
)
def test_a_refused_code_leaves_the_plain_price_and_says_why(client, course, coupon, words_shown):
    CouponFactory(**{"code": "SPRING26", "max_per_person": None} | coupon)

    response = client.get(checkout_url(course), {"coupon": "SPRING26"})

    said = words(response)
    assert response.status_code == 200
    assert "<title>Error: Checkout" in response.content.decode()
    assert said.count(words_shown) == 2  # in the summary of errors and beside the field
    assert "Pay US$140.00" in said
    assert 'href="#code"' in response.content.decode()


def test_a_code_that_is_not_needed_is_no_error(client):
    course = CourseFactory(price_cents=100_00, sale_price_cents=10_00)
    CouponFactory(code="SPRING26")

    response = client.get(checkout_url(course), {"coupon": "SPRING26"})

    assert "You do not need this code" in words(response)
    assert "Error:" not in response.content.decode()
    assert "Pay US$10.00" in words(response)


def test_applying_a_code_keeps_what_was_typed(client, course, half):
    response = post_checkout(
        client,
        course,
        seen=140_00,
        code="changeways70",
        act="apply",
        email="b@example.org",
        name="Bea",
        company="Bea & Co",
    )

    page = response.content.decode()
    assert response.status_code == 200
    assert 'value="b@example.org"' in page
    assert 'value="Bea &amp; Co"' in page
    assert re.search(r'<input type="checkbox" name="terms"[^>]* checked', page)
    assert not Order.objects.exists()


def test_enter_in_the_field_of_the_code_applies_it(client, course, half):
    response = post_checkout(client, course, seen=140_00, act="enter", code="changeways70", shown_code="")

    assert response.status_code == 200
    assert "Pay US$70.00" in words(response)
    assert not Order.objects.exists()


def test_enter_in_another_field_pays(client, sandbox, course, half):
    response = post_checkout(client, course, seen=70_00, act="enter", code="changeways70", shown_code="changeways70")

    assert response.headers["Location"].startswith(sandbox.base_url)


def test_removing_the_code_shows_the_plain_price(client, course, half):
    response = post_checkout(client, course, seen=70_00, code="changeways70", act="remove")

    assert "Pay US$140.00" in words(response)


def test_a_bundle_lists_its_courses_and_what_is_saved(client):
    bundle = BundleFactory(
        price_cents=50_00,
        courses=[CourseFactory(title="One", price_cents=40_00), CourseFactory(title="Two", price_cents=20_00)],
    )

    said = words(client.get(checkout_url(bundle)))

    assert "One US$40.00" in said
    assert "Two US$20.00" in said
    assert "Bundle price −US$10.00" in said
    assert "Pay US$50.00" in said


def test_what_a_buyer_has_of_a_bundle_is_not_charged_again(client):
    user, mine, other = (
        UserFactory(),
        CourseFactory(title="Mine", price_cents=40_00),
        CourseFactory(title="Other", price_cents=20_00),
    )
    EnrolmentFactory(learner=user, course=mine)
    client.force_login(user)

    said = words(client.get(checkout_url(BundleFactory(price_cents=60_00, courses=[mine, other]))))

    assert "You have 1 course of this bundle already" in said
    assert "Pay US$20.00" in said
    assert "Mine US$" not in said


@pytest.mark.parametrize(("audience", "is_said"), [("public", True), ("professional", False)])
def test_courses_for_the_public_are_no_substitute_for_care(client, audience, is_said):
    course = CourseFactory(audience=audience)

    assert ("not a substitute for professional care" in words(client.get(checkout_url(course)))) == is_said


def test_whoever_has_a_seat_is_led_to_it_and_not_to_the_till(client, course):
    seat = EnrolmentFactory(course=course)
    client.force_login(seat.learner)

    response = client.get(checkout_url(course))

    assert reverse("enrolments:course", args=[course.slug]) in response.content.decode()
    assert 'name="act"' not in response.content.decode()


def test_a_course_that_is_not_on_offer_cannot_be_bought(client):
    course = CourseFactory(status="draft")

    assert client.get(checkout_url(course)).status_code == 404
    assert post_checkout(client, course, seen=140_00).status_code == 404


@pytest.mark.parametrize("code", ["\x00", "x" * 5000, "🎁" * 40, "<script>", "' OR 1=1 --", "%", "\u202e"])
def test_no_code_breaks_the_page(client, course, code):
    assert client.get(checkout_url(course), {"coupon": code}).status_code == 200
    assert post_checkout(client, course, seen=140_00, code=code, act="apply").status_code == 200
    assert post_checkout(client, course, seen=140_00, code=code).status_code in {302, 422}


# Paying


def test_the_way_to_the_payment_page(client, sandbox, course, half):
    response = post_checkout(client, course, seen=70_00, code="changeways70")

    order = Order.objects.get()
    assert response.status_code == 302
    assert response.headers["Location"].startswith(f"{sandbox.base_url}/c/pay/")
    assert (order.email, order.total_cents, order.code, order.state) == (ANNA, 70_00, "changeways70", "pending")
    assert order.claim.state == Claim.State.HELD


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"email": ""}, "email"),
        ({"email": "anna"}, "email"),
        ({"email": "anna@example.org\x00"}, "email"),
        ({"terms": None}, "terms"),
        ({"name": "x" * 121}, "name"),
        ({"tax_id": "x" * 61}, "tax_id"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_placed(client, course, typed, field):
    response = post_checkout(client, course, seen=140_00, **typed)

    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert f'href="#id_{field}"' in response.content.decode()
    assert f'id="id_{field}_error"' in response.content.decode()
    assert not Order.objects.exists()


def test_amounts_that_are_posted_are_ignored(client, sandbox, course):
    post_checkout(
        client, course, seen=140_00, total_cents=1, price=1, unit_amount=1, coupon_cents=139_99, currency="cad"
    )

    order = Order.objects.get()
    assert (order.total_cents, order.currency) == (140_00, "usd")
    assert CheckoutAttempt.objects.get().params["line_items"][0]["price_data"]["unit_amount"] == 140_00


@pytest.mark.parametrize("seen", [1, 139_99, 0, None, "", "-5", "all of it", "9" * 5000])
def test_a_total_that_was_not_shown_is_never_charged(client, course, seen):
    response = post_checkout(client, course, seen=seen)

    assert response.status_code == 409
    assert 'name="seen_total" value="14000"' in response.content.decode()
    assert not Order.objects.exists()


def test_a_price_that_changed_is_shown_and_asked_for_again(client, sandbox, course):
    course.price_cents = 150_00
    course.save()

    response = post_checkout(client, course, seen=140_00, name="Anna")
    again = post_checkout(client, course, seen=150_00, name="Anna")

    assert response.status_code == 409
    assert "The price is US$150.00 now; this page showed US$140.00" in words(response)
    assert "Pay US$150.00" in words(response)
    assert 'value="Anna"' in response.content.decode()
    assert again.status_code == 302


def test_a_code_typed_but_not_applied_is_not_lost(client, course, half):
    response = post_checkout(client, course, seen=140_00, code="changeways70", shown_code="")

    assert response.status_code == 409
    assert "Pay US$70.00" in words(response)
    assert not Order.objects.exists()


def test_paying_with_a_bad_code_is_refused_beside_the_code(client, course):
    response = post_checkout(client, course, seen=140_00, code="nonsense")

    assert response.status_code == 422
    assert words(response).count("We do not know this code") == 2
    assert not Order.objects.exists()


def test_a_code_for_one_address_counts_once_the_address_is_typed(client, sandbox, course):
    CouponFactory(code="foranna", allowed_emails=ANNA, listed=False)

    before = client.get(checkout_url(course), {"coupon": "foranna"})
    after = post_checkout(client, course, seen=140_00, code="foranna", act="apply")

    assert "Pay US$140.00" in words(before)
    assert "Pay US$70.00" in words(after)


def test_ten_wrong_codes_close_the_field_for_a_while_but_not_the_till(client, sandbox, course):
    for number in range(10):
        assert client.get(checkout_url(course), {"coupon": f"wrong{number}"}).status_code == 200

    shown = client.get(checkout_url(course), {"coupon": "wrong10"})
    paying_with = post_checkout(client, course, seen=140_00, code="wrong11")
    paying_without = post_checkout(client, course, seen=140_00)

    assert shown.status_code == paying_with.status_code == 429
    assert int(shown.headers["Retry-After"]) >= 60
    assert int(paying_with.headers["Retry-After"]) >= 60
    assert "That was tried too often" in words(shown)
    assert f'value="{ANNA}"' in paying_with.content.decode()
    assert paying_without.status_code == 302


def test_one_wrong_code_at_the_pay_button_counts_once(client, course):
    for _ in range(9):
        post_checkout(client, course, seen=140_00, code="wrong")

    assert client.get(checkout_url(course), {"coupon": "wrong"}).status_code == 200
    assert client.get(checkout_url(course), {"coupon": "wrong"}).status_code == 429


def test_with_stripe_away_the_order_is_kept_and_can_be_paid_a_little_later(client, sandbox, course, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"  # nobody listens there

    response = client.get(post_checkout(client, course, seen=140_00).headers["Location"])

    order = Order.objects.get()
    assert "The payment service does not answer" in words(response)
    assert "Nothing was charged" in words(response)

    settings.STRIPE_API_BASE = sandbox.base_url
    again = client.post(reverse("payments:pay", args=[order.number]))
    assert again.headers["Location"].startswith(sandbox.base_url)
    assert CheckoutAttempt.objects.count() == 1


def test_with_stripe_away_an_earlier_order_is_not_replaced_and_what_was_typed_stays(
    client, sandbox, course, half, settings
):
    placed(client, course, seen=140_00)
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"

    response = post_checkout(client, course, seen=70_00, code="changeways70", name="Anna")

    assert response.status_code == 503
    assert "Nothing was charged" in words(response)
    assert 'value="Anna"' in response.content.decode()
    assert Order.objects.get().state == Order.State.PENDING


def test_a_sensitive_course_is_not_named_to_stripe(client, sandbox):
    course = CourseFactory(title="UnDoing Depression", slug="undoing-depression", is_sensitive=True)

    post_checkout(client, course, seen=140_00)

    assert "epression" not in str(CheckoutAttempt.objects.get().params)
    assert "Online course" in str(CheckoutAttempt.objects.get().params)


def test_nothing_to_pay_never_touches_stripe(client, course, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    CouponFactory(code="present", percent_bp=10_000)

    shown = client.get(checkout_url(course), {"coupon": "present"})
    response = post_checkout(client, course, seen=0, code="present", name="Anna")

    order = Order.objects.get()
    assert "Enrol for free" in words(shown)
    assert "Stripe" not in words(shown)
    assert response.headers["Location"] == order.get_absolute_url()
    assert order.state == Order.State.PAID
    assert Enrolment.objects.get().learner.email == ANNA
    assert Receipt.objects.get().total_cents == 0
    assert not CheckoutAttempt.objects.exists()


def test_ordering_for_nothing_is_slowed_down(client, course):
    CouponFactory(code="present", percent_bp=10_000, max_per_person=None)
    for number in range(20):
        assert (
            post_checkout(Client(), course, seen=0, code="present", email=f"a{number}@example.org").status_code == 302
        )

    response = post_checkout(Client(), course, seen=0, code="present", email="last@example.org")

    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0
    assert Order.objects.count() == 20


# Who is buying


def test_signed_in_the_account_is_the_address(client, sandbox, course):
    user = UserFactory(email="bea@example.org")
    client.force_login(user)

    shown = client.get(checkout_url(course))
    post_checkout(client, course, seen=140_00, email="somebody@example.org")

    assert "bea@example.org" in words(shown)
    assert "email" not in shown.context["form"].fields
    assert (Order.objects.get().email, Order.objects.get().buyer) == ("bea@example.org", user)


@pytest.mark.parametrize("spelling", [ANNA, "  Anna@Example.ORG "])
def test_an_address_with_an_account_gets_a_code_first_and_keeps_the_coupon(client, course, half, spelling):
    UserFactory(email=ANNA)

    response = post_checkout(client, course, seen=70_00, code="changeways70", email=spelling)

    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("account_confirm_login_code"))
    assert "coupon%3Dchangeways70" in response.headers["Location"]
    assert Message.objects.get().to == ANNA
    assert not Order.objects.exists()


def test_after_the_mailed_code_the_checkout_shows_the_price_with_the_coupon(client, course, half):
    UserFactory(email=ANNA)
    sent = post_checkout(client, course, seen=70_00, code="changeways70")
    code = re.search(r"\b[A-Z0-9]{3}-?[A-Z0-9]{3}\b", Message.objects.get().text)[0]

    response = client.post(sent.headers["Location"], {"code": code}, follow=True)

    assert response.request["PATH_INFO"] == checkout_url(course)
    assert "Pay US$70.00" in words(response)
    assert ANNA in words(response)


def test_the_way_to_the_sign_in_takes_the_code_along(client, course, half):
    page = client.get(checkout_url(course), {"coupon": "changeways70"}).content.decode()

    link = re.search(r'href="(/accounts/login/\?next=[^"]+)"', page)[1]
    assert "coupon%3Dchangeways70" in link


def test_the_page_does_not_tell_what_the_owner_of_an_address_has(client, course):
    EnrolmentFactory(course=course, learner=UserFactory(email=ANNA))

    response = post_checkout(client, course, seen=140_00, act="apply")

    assert "Pay US$140.00" in words(response)


# Twice, in two tabs, and back


def test_a_double_click_places_one_order_with_one_payment_page(client, sandbox, course, half):
    first = post_checkout(client, course, seen=70_00, code="changeways70")
    second = post_checkout(client, course, seen=70_00, code="changeways70")

    assert first.headers["Location"] == second.headers["Location"]
    assert Order.objects.count() == CheckoutAttempt.objects.count() == Claim.objects.count() == 1


def test_the_second_click_of_a_new_visitor_finds_the_order_of_the_first(sandbox, course):
    """The browser sends the second click before it has the session of the first."""
    first, second = Client(), Client()
    first.get(checkout_url(course))
    second.cookies["csrftoken"] = first.cookies["csrftoken"].value

    answers = [post_checkout(browser, course, seen=140_00).headers["Location"] for browser in (first, second)]

    assert answers[0] == answers[1]
    assert Order.objects.count() == 1


def test_the_second_click_on_something_free_finds_the_seat_that_the_first_one_made(sandbox, course):
    CouponFactory(code="gift", percent_bp=10_000)
    first, second, stranger = Client(), Client(), Client()
    first.get(checkout_url(course))
    second.cookies["csrftoken"] = first.cookies["csrftoken"].value
    stranger.get(checkout_url(course))

    answers = [
        post_checkout(browser, course, seen=0, code="gift").headers["Location"] for browser in (first, second, stranger)
    ]

    order = Order.objects.get()
    assert answers[:2] == [order.get_absolute_url()] * 2
    assert answers[2].startswith(reverse("account_confirm_login_code"))  # the address has an account now


def test_a_new_price_or_address_in_the_same_browser_is_a_new_order(client, sandbox, course, half):
    client.get(checkout_url(course))

    orders = [
        placed(client, course, seen=140_00),
        placed(client, course, seen=70_00, code="changeways70"),
        placed(client, course, seen=140_00, email="bea@example.org"),
    ]

    assert len({order.number for order in orders}) == 3
    assert list(Order.objects.order_by("id").values_list("state", flat=True)) == ["cancelled", "pending", "pending"]


def test_two_tabs_with_different_prices_leave_one_order_that_can_be_paid(client, sandbox, course, half):
    without = placed(client, course, seen=140_00)
    with_code = placed(client, course, seen=70_00, code="changeways70")

    without.refresh_from_db()
    assert (without.state, with_code.state) == (Order.State.CANCELLED, Order.State.PENDING)
    with pytest.raises(Exception, match="expired"):
        pay(sandbox, without)


def test_a_stranger_who_types_the_address_never_gets_the_same_order(sandbox, course):
    anna, stranger = Client(), Client()
    hers = placed(anna, course)

    his = placed(stranger, course)
    pay(sandbox, his)
    stranger.get(reverse("payments:return", args=[his.number]))

    assert his.number != hers.number
    assert stranger.get(hers.get_absolute_url()).status_code == 404
    assert anna.get(his.get_absolute_url()).status_code == 302


def test_back_after_paying_there_is_nothing_left_to_pay(client, sandbox, course):
    bought(client, sandbox, course)

    shown = client.get(checkout_url(course))
    posted = post_checkout(client, course, seen=140_00)

    assert "You are enrolled already" in words(shown)
    assert posted.status_code == 409
    assert Order.objects.count() == 1


def test_an_order_that_waits_for_the_bank_is_neither_paid_again_nor_replaced(client, sandbox, course, half):
    order = placed(client, course, seen=140_00)
    sandbox.control("sessions/delay", session=CheckoutAttempt.objects.get().session_id)
    client.get(reverse("payments:return", args=[order.number]))

    same = post_checkout(client, course, seen=140_00)
    other = post_checkout(client, course, seen=70_00, code="changeways70")

    assert same.headers["Location"] == order.get_absolute_url()
    assert other.status_code == 409
    assert "Your bank is still working" in words(other)
    assert Order.objects.count() == CheckoutAttempt.objects.count() == 1


def test_a_new_buyer_is_signed_in_to_the_account_that_the_payment_made(client, sandbox, course):
    bought(client, sandbox, course)

    assert client.get(reverse("enrolments:course", args=[course.slug])).status_code == 200
    assert User.objects.get(email=ANNA).made_by_order == Order.objects.get().number


def test_the_questions_to_the_database_are_few(client, sandbox, course, half, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        client.get(checkout_url(course), {"coupon": "changeways70"})
    with django_assert_max_num_queries(40):
        post_checkout(client, course, seen=70_00, code="changeways70")
