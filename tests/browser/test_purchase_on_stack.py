"""The main job on what docker-compose.yml starts: web, worker and beat on PostgreSQL and Redis, and a sandbox Stripe."""

import re
import time

import psycopg2
import pytest
from playwright.sync_api import expect

from tests.browser.walking import (
    checkout_as_new,
    halve_the_price,
    open_first_lesson,
    pay,
    receipt_text,
    sign_in_by_code,
    to_payment,
    to_the_free_preview,
    watch,
)
from tests.stack import NativeStack

pytestmark = [pytest.mark.browser, pytest.mark.postgresql, pytest.mark.redis]

# The stack serves all tests of a run, so everybody who buys on it has an address of their own.
BERTA = "berta@example.org"
CLARA = "clara@example.org"


class Records:
    """What the stack's processes wrote into its database."""

    def __init__(self, stack: NativeStack) -> None:
        self.stack = stack
        self.connection = psycopg2.connect(stack.env["DATABASE_URL"])
        self.connection.autocommit = True

    def rows(self, query: str, *values: str) -> list[tuple]:
        with self.connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()

    def mails(self, to: str, kind: str = "%") -> list[tuple[str, str]]:
        """State and text of every mail to somebody, newest first."""
        return self.rows(
            "SELECT state, text FROM mail_message WHERE mail_message.to = %s AND kind LIKE %s ORDER BY id DESC",
            to,
            kind,
        )

    def has_seat(self, email: str) -> bool:
        return bool(
            self.rows(
                "SELECT 1 FROM enrolments_enrolment JOIN accounts_user ON learner_id = accounts_user.id WHERE email = %s",
                email,
            )
        )

    def mailed_code(self, to: str) -> str:
        found = [code for _, text in self.mails(to) if (code := re.search(r"\b[B-Z]{3}-[B-Z]{3}\b", text))]
        return found[0].group()


@pytest.fixture
def records(native_stack):
    records = Records(native_stack)
    yield records
    records.connection.close()


def test_from_the_front_page_to_a_seat_and_back_on_another_device(native_stack, open_on_stack, records):
    native_stack.manage("load_sample_clinic")
    page = open_on_stack()
    to_the_free_preview(page)
    watch(page)
    page.goto("/courses/undoing-depression/")
    halve_the_price(page)

    checkout_as_new(page, email=BERTA)
    pay(page, native_stack.sandbox_url)

    expect(page.get_by_role("heading", level=1)).to_have_text("You are enrolled")
    assert "US$70.00" in receipt_text(page)
    lesson = open_first_lesson(page)
    native_stack.wait_until(
        lambda: records.mails(BERTA, "receipt")[0][0] == "kept", "the worker takes the receipt's mail", seconds=20
    )
    assert "US$70.00" in records.mails(BERTA, "receipt")[0][1]
    native_stack.wait_until(
        lambda: "deliver_message" in native_stack.log("worker"), "the worker tells of it", seconds=5
    )

    later = open_on_stack()
    later.goto(lesson)
    expect(later).to_have_url(re.compile(r"/accounts/.*next="))
    sign_in_by_code(later, records.mailed_code, BERTA)
    expect(later).to_have_url(lesson)
    expect(later.get_by_role("heading", level=1)).to_be_visible()


def test_whoever_closes_the_tab_after_paying_is_enrolled_within_two_seconds(native_stack, open_on_stack, records):
    page = open_on_stack()
    to_payment(page, email=CLARA)
    session = page.url.rsplit("/", 1)[1]
    page.close()

    native_stack.control("sessions/pay", session=session)
    paid_at = time.monotonic()
    native_stack.wait_until(lambda: records.has_seat(CLARA), "enrolled by the webhook alone", seconds=2)

    assert time.monotonic() - paid_at < 2
    assert records.mails(CLARA, "receipt")
