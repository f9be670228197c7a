"""axe finds nothing on any page, in light and dark, wide and narrow. Other apps add their pages to PAGES."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from clinic.models import Page
from coupons.models import Coupon
from courses.models import Course
from foundation.models import ClinicIdentity, CrisisLine
from tests.factories import BundleFactory, CourseFactory, PersonFactory, TopicFactory, UserFactory, VideoLessonFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Address, and who looks: a visitor or a learner.
PAGES = [
    ("/", "visitor"),
    ("/", "learner"),
    ("/courses/", "visitor"),
    ("/courses/?q=calm&audience=public&topic=sleep&price=under-100&sort=price", "visitor"),
    ("/courses/?q=nothing", "visitor"),
    ("/courses/calm/", "visitor"),
    ("/courses/calm/?coupon=half", "visitor"),
    ("/courses/calm/?coupon=nothing", "visitor"),
    ("/courses/clinic/", "learner"),
    ("/courses/both/", "visitor"),
    ("/courses/calm/preview/welcome/", "visitor"),
    ("/courses/calm/preview/film/", "visitor"),
    ("/search/", "visitor"),
    ("/search/?q=calm", "visitor"),
    ("/search/?q=nothing", "visitor"),
    ("/p/privacy/", "visitor"),
    ("/nowhere/", "visitor"),
]
LOOKS = [pytest.param(width, scheme, id=f"{scheme}-{width}") for width in (1280, 390) for scheme in ("light", "dark")]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def clinic():
    """Every page of PAGES with everything on it that it can show."""
    ClinicIdentity.objects.create(
        name="Larkwater", legal_name="Larkwater Inc.", address="-", email="a@b.example", phone="604-555-0142",
        tagline="One clear lesson at a time.", care_notice="Courses are not care.",
    )  # fmt: skip
    CrisisLine.objects.create(label="Call 988", text="Day and night.", href="tel:988")
    Page.objects.create(slug="privacy", title="Privacy, calmly", body="<h2>What we keep</h2><p>Little.</p>")
    sleep = TopicFactory(slug="sleep", name="Sleep")
    calm = CourseFactory(slug="calm", title="Calm", price_cents=60_00, sale_price_cents=45_00)
    calm.topics.add(sleep)
    calm.questions.create(question="How long?", answer="As long as you like.")
    calm.questions.create(question="Can I stop?", answer="Yes.")
    calm.edition.instructing.create(person=PersonFactory(name="Graham Ostler", hue=2))
    calm.edition.references, calm.edition.disclosure = ["A study."], "Nothing to disclose."
    calm.edition.save()
    VideoLessonFactory(section=calm.edition.sections.get(), position=3, slug="film", title="A film", is_preview=True)
    clinic = CourseFactory(slug="clinic", title="Clinic work", audience=Course.Audience.PROFESSIONAL)
    BundleFactory(slug="both", title="Both, calmly", courses=[calm, clinic])
    Coupon.objects.create(code="half", percent_bp=5000, all_offers=True)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_axe_finds_nothing(clinic, open_browser, width, scheme):
    look = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme, "reduced_motion": "reduce"}
    readers = {
        "visitor": open_browser(may_say="404 (Not Found)", **look),
        "learner": open_browser(as_user=UserFactory(), **look),
    }
    wrong = {}
    for address, who in PAGES:
        page = readers[who]
        page.goto(address)
        found = Axe().run(page, options={"runOnly": RULES})
        if found.violations_count:
            wrong[f"{address} ({who})"] = found.generate_report()
        sideways = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        if sideways:
            wrong[f"{address} ({who}) scrolls sideways"] = ""

    assert wrong == {}


def test_nothing_scrolls_sideways_on_the_smallest_screen(clinic, open_browser):
    page = open_browser(may_say="404 (Not Found)", viewport={"width": 320, "height": 700})

    for address, who in PAGES:
        if who == "visitor":
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") == 320, address
