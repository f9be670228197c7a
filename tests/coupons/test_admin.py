"""Coupons as staff run them, through the admin's own pages."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from coupons import claims
from coupons.models import Coupon
from foundation.acts import acts_on
from tests.factories import NOON, CouponFactory, CourseFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/coupons/coupon/"
ADD = "/admin/coupons/coupon/add/"


@pytest.fixture
def staff(client):
    client.force_login(StaffFactory())
    return client


def page_of(coupon: Coupon) -> str:
    return reverse("admin:coupons_coupon_change", args=[coupon.pk])


def typed(**more: object) -> dict:
    """The form of half off everything, filled in by hand."""
    form = {
        "code": "changeways70", "is_active": "on", "listed": "on", "kind": "percent", "percent_bp": "50",
        "currency": "usd", "max_per_person": "1", "all_offers": "on",
    }  # fmt: skip
    return {name: value for name, value in (form | more).items() if value is not None}


def words(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def errors(response) -> dict:
    return response.context["adminform"].form.errors


def hold(coupon: Coupon, *, buyer: str = "user:1", cents: int = 70_00):
    return claims.hold(coupon=coupon, buyer_key=buyer, discount_cents=cents, at=timezone.now())


# Who


def test_staff_without_the_right_see_and_change_no_coupon(client):
    coupon = CouponFactory()
    client.force_login(StaffFactory(is_superuser=False))

    assert [client.get(address).status_code for address in (LIST, ADD, page_of(coupon))] == [403, 403, 403]


def test_staff_who_may_only_look_change_nothing(client):
    coupon = CouponFactory()
    looker = StaffFactory(is_superuser=False)
    looker.user_permissions.add(Permission.objects.get(codename="view_coupon"))
    client.force_login(looker)

    client.post(LIST, {"action": "switch_off", "_selected_action": [coupon.pk]})
    refused = client.post(page_of(coupon), typed(code="other"))

    coupon.refresh_from_db()
    assert refused.status_code == 403
    assert coupon.is_active


def test_to_a_learner_there_is_no_admin(client):
    client.force_login(UserFactory())

    assert client.get(LIST).status_code == 404


# Making and editing


def test_percent_money_and_the_last_day_are_typed_as_people_say_them(staff):
    response = staff.post(
        ADD, typed(percent_bp="12.5", max_discount_cents="30.00", budget_cents="1000", ends_at="2026-12-31")
    )

    coupon = Coupon.objects.get()
    assert response.status_code == 302
    assert (coupon.percent_bp, coupon.max_discount_cents, coupon.budget_cents) == (1250, 30_00, 1000_00)
    assert timezone.localtime(coupon.ends_at).isoformat()[:16] == "2027-01-01T00:00"
    assert coupon.created_by is not None
    assert acts_on(coupon).get().reason == "12.5% off, at most US$30.00"


def test_what_was_saved_stands_in_the_form_again(staff):
    coupon = CouponFactory(percent_bp=1250, min_price_cents=20_00)

    page = staff.get(page_of(coupon)).content.decode()

    assert 'value="12.50"' in page
    assert 'value="20.00"' in page


def test_the_first_moment_is_picked_from_a_calendar_like_the_last_day(staff):
    page = staff.get(ADD).content.decode()

    assert re.findall(r'name="(\w+)" class="vDateField', page) == ["starts_at_0", "ends_at"]


@pytest.mark.parametrize(
    ("more", "field", "sentence"),
    [
        ({"code": "abc"}, "code", "4 to 32 letters"),
        ({"code": "ĉode-ünd"}, "code", "4 to 32 letters"),
        ({"code": "Half Price-2026"}, "code", "There is a coupon “halfprice2026” already"),
        ({"percent_bp": None}, "percent_bp", "Say how many percent."),
        ({"percent_bp": "0"}, "percent_bp", "greater than or equal to 0.01"),
        ({"percent_bp": "100.01"}, "percent_bp", "less than or equal to 100"),
        ({"amount_cents": "5"}, "amount_cents", "Leave this empty for “percent off”."),
        ({"kind": "amount"}, "percent_bp", "Leave this empty for “amount off”."),
        ({"kind": "amount", "percent_bp": None}, "amount_cents", "Say how much money."),
        ({"kind": "amount", "percent_bp": None, "amount_cents": "0"}, "__all__", "at least one cent"),
        ({"kind": "fixed_price", "percent_bp": None, "amount_cents": "9.999"}, "amount_cents", "2 decimal places"),
        ({"starts_at_0": "2026-06-02", "starts_at_1": "00:00", "ends_at": "2026-06-01"}, "__all__", "ends after it starts"),
        ({"max_per_person": "0"}, "__all__", "at least once"),
        ({"all_offers": None}, "all_offers", "It is for nothing yet."),
        ({"allowed_emails": "anna@example.org\nnobody"}, "allowed_emails", "“nobody” is neither an address"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_said_beside_its_field(staff, more, field, sentence):
    CouponFactory(code="halfprice2026")

    response = staff.post(ADD, typed(**more))

    assert sentence in str(errors(response)[field])
    assert Coupon.objects.count() == 1


def test_everything_and_some_courses_is_a_contradiction(staff):
    response = staff.post(ADD, typed(offers=[CourseFactory().pk]))

    assert "not both" in str(errors(response)["all_offers"])


def test_a_code_for_one_course_and_named_people_is_kept_as_typed(staff):
    course = CourseFactory()

    staff.post(ADD, typed(all_offers=None, offers=[course.pk], allowed_emails="Anna@Example.org\n@clinic.example"))

    coupon = Coupon.objects.get()
    assert list(coupon.offers.all()) == [course.offer_ptr]
    assert coupon.allowed_emails == "anna@example.org\n@clinic.example"


def test_a_code_that_reads_like_another_is_made_with_a_warning(staff):
    CouponFactory(code="SOLO-2026")

    response = staff.post(ADD, typed(code="5OIO 2O26"), follow=True)

    assert Coupon.objects.count() == 2
    assert "People may mistake “5OIO 2O26” for “SOLO-2026”" in response.content.decode()


def test_an_end_within_a_day_survives_an_edit_of_something_else(staff):
    coupon = CouponFactory(code="changeways70", ends_at=NOON)

    staff.post(page_of(coupon), typed(ends_at="2026-05-14", note="For the newsletter."))

    coupon.refresh_from_db()
    assert (coupon.ends_at, coupon.note) == (NOON, "For the newsletter.")


# Once used


def test_a_code_that_somebody_holds_keeps_its_worth_and_says_why(staff):
    coupon = CouponFactory(code="changeways70")
    hold(coupon)

    page = staff.get(page_of(coupon))
    staff.post(page_of(coupon), typed(percent_bp="90", kind="amount", note="Edited."))

    coupon.refresh_from_db()
    assert "what it is worth stays as it is" in words(page)
    assert 'name="percent_bp"' not in page.content.decode()
    assert (coupon.kind, coupon.percent_bp, coupon.note) == ("percent", 5000, "Edited.")


def test_its_worth_stays_locked_after_every_use_was_given_back(staff):
    coupon = CouponFactory()
    claims.release(hold(coupon), because="expired", at=timezone.now())

    assert "what it is worth stays as it is" in words(staff.get(page_of(coupon)))


def test_saving_never_writes_the_counters(staff):
    coupon = CouponFactory(code="changeways70")
    hold(coupon)

    staff.post(page_of(coupon), typed(percent_bp=None, kind=None, currency=None, used="0", spent_cents="0"))

    coupon.refresh_from_db()
    assert (coupon.used, coupon.spent_cents) == (1, 70_00)


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [({"max_total": "1"}, "used 2 times already"), ({"budget_cents": "139.99"}, "given away US$140.00 already")],
)
def test_a_limit_below_what_was_used_is_refused(staff, limit, sentence):
    coupon = CouponFactory(code="changeways70")
    hold(coupon, buyer="user:1")
    hold(coupon, buyer="user:2")

    response = staff.post(page_of(coupon), typed(**limit))

    coupon.refresh_from_db()
    assert sentence in words(response)
    assert (coupon.max_total, coupon.budget_cents) == (None, None)


def test_a_used_code_is_not_deleted_neither_from_its_page_nor_from_the_list(staff):
    used, unused = CouponFactory(), CouponFactory()
    hold(used)

    from_page = staff.post(f"{LIST}{used.pk}/delete/", {"post": "yes"})
    staff.post(LIST, {"action": "delete_selected", "_selected_action": [used.pk], "post": "yes"})
    staff.post(f"{LIST}{unused.pk}/delete/", {"post": "yes"})

    assert from_page.status_code == 403
    assert list(Coupon.objects.all()) == [used]


# The list


def test_the_list_says_what_each_code_is_worth_and_how_it_stands(staff):
    now = timezone.now()
    CouponFactory(code="halfoff", max_total=10)
    CouponFactory(code="twentyoff", kind="amount", percent_bp=None, amount_cents=20_00, ends_at=now - timedelta(days=1))
    CouponFactory(code="fifteen", kind="fixed_price", percent_bp=None, amount_cents=15_00, is_active=False)

    page = words(staff.get(LIST))

    for said in ("50% off", "0 / 10", "US$20.00 off", "ended", "for US$15.00", "switched off"):
        assert said in page


@pytest.mark.parametrize("state", ["open", "scheduled", "ended", "used up", "off", "archived"])
def test_the_filter_finds_codes_by_how_they_stand(staff, state):
    now = timezone.now()
    rows = {
        "open": {},
        "scheduled": {"starts_at": now + timedelta(days=1)},
        "ended": {"ends_at": now - timedelta(days=1)},
        "used up": {"max_total": 0},
        "off": {"is_active": False},
        "archived": {"archived_at": now},
    }
    for name, row in rows.items():
        CouponFactory(code=f"code-{name}", **row)

    found = staff.get(LIST, {"state": state}).context["cl"].queryset

    assert [coupon.code for coupon in found] == [f"code-{state}"]


@pytest.mark.parametrize("search", ["change-ways 70", "CHANGEWAYS", "newsletter", "spring"])
def test_a_code_is_found_however_it_is_typed_and_by_note_and_tag(staff, search):
    wanted = CouponFactory(code="changeways70", note="For the newsletter", tag="spring-2026")
    CouponFactory(code="another")

    assert list(staff.get(LIST, {"q": search}).context["cl"].queryset) == [wanted]


@pytest.mark.parametrize(
    ("action", "before", "sentence", "state"),
    [
        ("switch_off", {}, "1 coupon is switched off.", "off"),
        ("switch_on", {"is_active": False}, "1 coupon is switched on.", "open"),
        ("archive", {}, "1 coupon is archived.", "archived"),
        ("bring_back", {"archived_at": NOON}, "1 coupon is back.", "off"),
        ("switch_on", {}, "Nothing changed", "open"),
    ],
)
def test_actions_say_what_they_did_and_are_logged(staff, action, before, sentence, state):
    coupon = CouponFactory(**before)

    response = staff.post(LIST, {"action": action, "_selected_action": [coupon.pk]}, follow=True)

    assert sentence in words(response)
    assert Coupon.objects.with_state(at=timezone.now()).get().state == state
    assert acts_on(coupon).count() == (0 if sentence == "Nothing changed" else 1)


def test_the_lists_cost_the_same_with_3_and_with_30_rows(staff, django_assert_max_num_queries):
    def fill(rows: int) -> None:
        for _ in range(rows):
            hold(CouponFactory(tag="spring"))

    lists = [LIST, "/admin/coupons/claim/"]
    fill(3)
    few = {}
    for address in lists:
        staff.get(address)
        with django_assert_max_num_queries(15) as asked:
            staff.get(address)
            few[address] = len(asked)
    fill(27)

    for address in lists:
        with django_assert_max_num_queries(few[address]):
            staff.get(address)


# Holds


def test_holds_are_listed_with_their_age_and_without_saying_who(staff):
    claim = hold(CouponFactory(code="changeways70"), buyer="mail:0123456789abcdef")

    listed = staff.get("/admin/coupons/claim/")
    page = staff.get(f"/admin/coupons/claim/{claim.pk}/change/")

    assert "changeways70" in words(listed)
    assert "0 minutes" in words(listed).replace("\N{NO-BREAK SPACE}", " ")
    assert "0123456789abcdef" not in listed.content.decode() + page.content.decode()


@pytest.mark.parametrize("deed", ["add", "change", "delete"])
def test_nobody_edits_a_hold(staff, deed):
    claim = hold(CouponFactory())

    response = staff.post(
        reverse(f"admin:coupons_claim_{deed}", args=[] if deed == "add" else [claim.pk]), {"post": "yes"}
    )

    claim.refresh_from_db()
    assert response.status_code == 403
    assert claim.state == "held"
