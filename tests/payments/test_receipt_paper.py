from copy import deepcopy
from io import BytesIO

import pytest
from django.template.loader import render_to_string
from pypdf import PdfReader

from courses.models import Course
from foundation.models import ClinicIdentity
from payments.models import Order, Receipt
from payments.receipt_paper import render_pdf
from payments.receipts import issue_receipt
from tests.factories import NOON, CourseFactory

PRINTED = {
    "number": "R-2026-000123",
    "kind": "receipt",
    "issued_on": "2026-05-14",
    "order_number": "8KQ2M7XA4D",
    "clinic": {
        "name": "Larkwater Clinic",
        "legal_name": "Larkwater Clinic Psychological Services Inc.",
        "address": ["18 Larkwater Lane", "Vancouver"],
        "email": "clinic@larkwater.example",
        "phone": "604-555-0142",
        "tax_number": "",
        "provider_line": "Registered psychologists.",
    },
    "buyer": {"name": "Sam Okafor", "email": "sam@example.org", "company": "", "tax_id": "", "country": "CA"},
    "currency": "usd",
    "lines": [
        {
            "title": "UnDoing Depression",
            "list_cents": 140_00,
            "discount_cents": 70_00,
            "tax_cents": 0,
            "total_cents": 70_00,
        }
    ],
    "subtotal_cents": 140_00,
    "reductions": [{"label": "Code changeways70", "cents": 70_00}],
    "tax": [],
    "total_cents": 70_00,
    "paid": {"method": "Visa ending in 4242", "at": "2026-05-14T17:31:00+00:00", "reference": "pi_sample"},
    "notes": [],
}


def receipt(*, buyer=None, **values) -> Receipt:
    printed = deepcopy(PRINTED) | values
    printed["buyer"] |= buyer or {}
    return Receipt(pk=1, printed=printed)


def text_of(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages).split())


def page_of(paper: Receipt) -> str:
    return render_to_string("payments/includes/receipt.html", {"receipt": paper})


BUNDLE_LINES = [
    {"title": title, "list_cents": cents, "discount_cents": cents // 4, "tax_cents": 0, "total_cents": cents * 3 // 4}
    for title, cents in [("What Is Depression", 20_00), ("UnDoing Depression", 140_00)]
]


@pytest.mark.parametrize("printed_by", [lambda paper: text_of(render_pdf(paper)), page_of], ids=["pdf", "page"])
@pytest.mark.parametrize(
    "words",
    [
        "Receipt", "R-2026-000123", "14 May 2026", "8KQ2M7XA4D", "Sam Okafor", "sam@example.org", "Canada",
        "UnDoing Depression", "US$140.00", "changeways70", "−US$70.00", "Total paid", "US$70.00",
        "Visa ending in 4242", "14 May 2026, 10:31", "Larkwater Clinic Psychological Services Inc.",
        "Registered psychologists.",
    ],
)  # fmt: skip
def test_paper_and_page_say_everything(printed_by, words):
    assert words in printed_by(receipt())


def test_the_paper_is_for_screen_readers_too():
    pdf = PdfReader(BytesIO(render_pdf(receipt())))

    assert pdf.metadata.title == "Receipt R-2026-000123, Larkwater Clinic"
    assert pdf.root_object["/Lang"] == "en"
    assert pdf.root_object["/MarkInfo"]["/Marked"]


def test_equal_values_give_equal_bytes():
    assert render_pdf(receipt()) == render_pdf(receipt())


@pytest.mark.parametrize(("country", "inches"), [("CA", 8.5), ("US", 8.5), ("PL", 8.27), ("", 8.27)])
def test_north_america_gets_letter_and_the_rest_a4(country, inches):
    (page,) = PdfReader(BytesIO(render_pdf(receipt(buyer={"country": country})))).pages

    assert round(float(page.mediabox.width) / 72, 2) == inches


@pytest.mark.parametrize(
    "name",
    [
        '#panic("x") *bold* $x$ @a',
        "<script>alert(1)</script>",
        "{{ clinic }} {% now %}",
        "Łukasz Żółć",
        "Çağrı İğneoğlu",
    ],
)
def test_names_are_printed_letter_for_letter(name):
    assert name in text_of(render_pdf(receipt(buyer={"name": name})))


def test_a_name_cannot_write_markup_into_the_page():
    page = page_of(receipt(buyer={"name": "<script>alert(1)</script>"}))

    assert "&lt;script&gt;" in page
    assert "<script" not in page


def test_a_letter_without_a_shape_is_owned_up_to():
    paper = receipt(buyer={"name": "王 Wáng"})

    assert "? Wáng" in text_of(render_pdf(paper))
    assert "A question mark stands for each letter that this paper cannot print." in text_of(render_pdf(paper))
    assert "王 Wáng" in page_of(paper)


def test_vietnamese_letters_have_shapes():
    assert "question mark" not in text_of(render_pdf(receipt(buyer={"name": "Nguyễn Thị Hồng Đoàn"})))


def test_a_bundle_shows_what_each_course_came_to():
    paper = receipt(
        lines=BUNDLE_LINES,
        subtotal_cents=160_00,
        reductions=[{"label": "Bundle price", "cents": 40_00}],
        total_cents=120_00,
    )

    text = text_of(render_pdf(paper))

    assert "List price Reduction Amount" in text
    assert "US$20.00 −US$5.00 US$15.00" in text
    assert "US$140.00 −US$35.00 US$105.00" in text
    assert "Bundle price −US$40.00" in text


def test_tax_is_shown_when_there_is_some():
    text = text_of(render_pdf(receipt(tax=[{"label": "GST 5%", "cents": 3_50}], total_cents=73_50)))

    assert "GST 5% US$3.50" in text
    assert "Total paid US$73.50" in text


def test_nothing_to_pay_is_said_plainly():
    paper = receipt(
        reductions=[{"label": "Code welcome-gift", "cents": 140_00}],
        total_cents=0,
        paid={"method": "Nothing to pay", "at": "2026-05-14T17:31:00+00:00", "reference": ""},
    )

    assert "Nothing to pay" in text_of(render_pdf(paper))
    assert "Total paid US$0.00" in text_of(render_pdf(paper))


def test_without_reduction_or_tax_the_total_stands_alone():
    text = text_of(render_pdf(receipt(reductions=[], total_cents=140_00)))

    assert "Subtotal" not in text
    assert "Total paid US$140.00" in text


def test_long_texts_stay_on_the_paper():
    paper = receipt(
        buyer={"name": "W" * 120, "email": "a.long.address@" + "x" * 60 + ".example.org"},
        lines=[{**PRINTED["lines"][0], "title": "A very long title " * 8}],
    )

    (page,) = PdfReader(BytesIO(render_pdf(paper))).pages
    ends = []
    page.extract_text(visitor_text=lambda text, cm, tm, font, size: ends.append(tm[4] + cm[4]))

    assert max(ends) < float(page.mediabox.width)
    assert text_of(render_pdf(paper)).replace(" ", "").count("W" * 120) == 1


def test_thirty_lines_flow_over_pages_that_are_numbered():
    lines = [{**PRINTED["lines"][0], "title": f"Course {number}"} for number in range(30)]

    pages = PdfReader(BytesIO(render_pdf(receipt(lines=lines)))).pages

    assert len(pages) > 1
    assert f"{len(pages)} / {len(pages)}" in pages[-1].extract_text()


@pytest.mark.django_db
def test_an_issued_receipt_stays_as_it_was_whatever_is_edited_later():
    course = CourseFactory(title="UnDoing Depression", price_cents=140_00)
    order = Order.objects.create(
        offer=course, buyer_key="mail:x", email="sam@example.org", offer_title=course.title, code="changeways70",
        applied="coupon", currency="usd", subtotal_cents=140_00, coupon_cents=70_00, total_cents=70_00,
        placed_at=NOON, expires_at=NOON,
    )  # fmt: skip
    line = order.lines.create(
        course=course, title=course.title, list_cents=140_00, discount_cents=70_00, total_cents=70_00
    )
    payment = order.payments.create(
        provider="stripe", intent_id="pi_sample", amount_cents=70_00, currency="usd", method="Visa", paid_at=NOON
    )
    issued = issue_receipt(order, payment, at=NOON)
    before = render_pdf(issued)

    Course.objects.update(title="Another title", price_cents=999_00)
    Order.objects.update(buyer_name="Somebody Else", code="other")
    type(line).objects.update(title="Another line")
    ClinicIdentity.objects.update(legal_name="Another clinic")

    assert render_pdf(Receipt.objects.get(pk=issued.pk)) == before
    assert "UnDoing Depression" in text_of(before)
    assert "Code changeways70" in text_of(before)
    assert "Total paid US$70.00" in text_of(before)
