"""What buyers take with them, and what is forgotten when they leave."""

import pytest

from accounts.models import User
from clinic.personal_data import as_zip
from coupons import personal_data as coupons_data
from payments.models import Order
from payments.personal_data import erase, export
from tests.factories import NOON, CouponFactory, CourseFactory, UserFactory
from tests.payments.buying import ANNA, bought, placed

pytestmark = pytest.mark.django_db


@pytest.fixture
def course():
    return CourseFactory(title="UnDoing Depression")


@pytest.fixture
def early(client, sandbox, course):
    """An order that Anna placed with a code before she had an account, and has not paid."""
    CouponFactory(code="changeways70")
    order = placed(client, course, seen=70_00, code="changeways70")
    order.buyer_name, order.company = "Anna Berg", "Berg Inc."
    order.save()
    return order


@pytest.fixture
def anna(early):
    return UserFactory(email=ANNA)


def test_my_data_holds_my_orders_with_their_lines_payments_receipts_and_timeline(client, sandbox, course):
    order = bought(client, sandbox, course)
    order.events.create(at=NOON, kind="review", text="For staff only", for_staff=True)

    data = export(User.objects.get(email=ANNA))

    assert [(row["number"], row["total_cents"]) for row in data["orders"]] == [(order.number, 140_00)]
    assert [row["title"] for row in data["order_lines"]] == ["UnDoing Depression"]
    assert [row["amount_cents"] for row in data["payments"]] == [140_00]
    assert data["receipts"][0]["printed"]["order_number"] == order.number
    assert "Paid" in [row["text"] for row in data["events"]]
    assert "For staff only" not in [row["text"] for row in data["events"]]


def test_an_order_placed_under_my_address_before_i_had_an_account_is_mine(anna, early):
    assert [row["number"] for row in export(anna)["orders"]] == [early.number]


def test_nobody_gets_what_others_bought(client, sandbox, course):
    bought(client, sandbox, course)

    assert not any(export(UserFactory()).values())


def test_the_codes_i_used_are_among_my_data(client, sandbox, course):
    CouponFactory(code="changeways70")
    bought(client, sandbox, course, seen=70_00, code="changeways70")

    used = coupons_data.export(User.objects.get(email=ANNA))["codes_used"]

    assert [(row["code"], row["state"], row["discount_cents"]) for row in used] == [("changeways70", "redeemed", 70_00)]


def test_all_of_it_fits_into_the_archive_that_people_download(client, sandbox, course):
    bought(client, sandbox, course)

    assert as_zip(User.objects.get(email=ANNA), at=NOON).startswith(b"PK")


def test_erasing_blanks_an_order_that_was_never_paid(anna, early):
    Order.objects.filter(pk=early.pk).update(state="expired")

    erase(anna, at=NOON)

    early.refresh_from_db()
    assert (early.email, early.buyer_name, early.company) == (f"deleted-{anna.pk}@deleted.invalid", "", "")
    assert early.attempts.get().params == {}


def test_erasing_keeps_what_was_paid_as_it_was_printed(client, sandbox, course):
    order = bought(client, sandbox, course)
    before = order.receipts.get().printed

    erase(User.objects.get(email=ANNA), at=NOON)

    order.refresh_from_db()
    assert order.email == ANNA
    assert order.receipts.get().printed == before


def test_erasing_one_person_leaves_the_others(anna, early):
    erase(UserFactory(), at=NOON)

    early.refresh_from_db()
    assert early.email == ANNA


def test_a_code_made_for_somebody_who_left_opens_to_nobody_else():
    anna = UserFactory(email=ANNA)
    coupon = CouponFactory(allowed_emails=f"{ANNA}\nmara@example.org")
    alone = CouponFactory(allowed_emails=ANNA.capitalize())

    coupons_data.erase(anna, at=NOON)

    coupon.refresh_from_db()
    alone.refresh_from_db()
    assert coupon.allowed_emails.split() == [f"deleted-{anna.pk}@deleted.invalid", "mara@example.org"]
    assert alone.allowed_emails == f"deleted-{anna.pk}@deleted.invalid"


def test_a_use_that_was_held_under_the_address_stays_counted_without_it(anna, early):
    coupons_data.erase(anna, at=NOON)

    early.claim.refresh_from_db()
    assert early.claim.coupon.used == 1
    assert early.claim.buyer_key == f"user:{anna.pk}"
