import io
import json
import zipfile
from datetime import date

import pytest
from django.contrib.sessions.models import Session

from accounts.models import User
from clinic.personal_data import collect, erase, papers_kept_until
from mail.models import Message
from mail.outbox import write_rendered
from tests.factories import NOON, CourseFactory, EnrolmentFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

PRIVACY = "/accounts/privacy/"
DOWNLOAD = "/accounts/privacy/download/"
DELETE = "/accounts/privacy/delete/"
PROVE = "/accounts/reauthenticate/code/"


@pytest.fixture
def sam():
    return UserFactory(email="sam@example.org", legal_name="Sam Okafor", country="CA", province="CA-BC")


@pytest.fixture
def proved(client, sam):
    """Sam's browser, in which Sam has just entered the password."""
    client.post("/accounts/login/", {"login": sam.email, "password": "correct horse battery"})
    return client


def test_a_visitor_is_asked_to_sign_in(client):
    assert client.get(PRIVACY).url == f"/accounts/login/?next={PRIVACY}"


class TestProof:
    @pytest.mark.parametrize("page", [DOWNLOAD, DELETE])
    def test_is_asked_of_a_session_that_gave_none_lately(self, client, sam, page):
        client.force_login(sam)

        assert client.get(page).url == f"/accounts/reauthenticate/?next={page.replace('/', '%2F')}"

    def test_can_be_given_by_mailed_code_without_a_password(self, client, sam, mailed_code):
        sam.set_unusable_password()
        sam.save()
        client.force_login(sam)
        asked = client.get(DELETE)
        assert asked.url.startswith(PROVE)

        client.post(PROVE, {"send": "1", "next": DELETE})
        proved = client.post(PROVE, {"code": mailed_code(sam.email), "next": DELETE})

        assert proved.url == DELETE
        assert client.get(DELETE).status_code == 200

    def test_by_a_wrong_code_fails_three_times_and_ends(self, client, sam, mailed_code):
        client.force_login(sam)
        client.post(PROVE, {"send": "1"})
        for _attempt in range(3):
            client.post(PROVE, {"code": "BBB-BBB"})

        page = client.post(PROVE, {"code": mailed_code(sam.email), "next": DELETE})

        assert "Email me a code" in page.content.decode()
        assert client.get(DELETE).status_code == 302

    def test_never_leads_to_another_site(self, client, sam, mailed_code):
        client.force_login(sam)
        client.post(PROVE, {"send": "1", "next": "https://evil.example/"})

        proved = client.post(PROVE, {"code": mailed_code(sam.email), "next": "https://evil.example/"})

        assert proved.url == "/accounts/"


class TestDownload:
    def test_holds_what_every_app_keeps_as_json_and_as_a_page(self, proved, sam):
        EnrolmentFactory(learner=sam, course=CourseFactory(title="UnDoing Depression"))
        write_rendered(
            key="r", kind="receipt", to=sam.email, subject="Your receipt", text="Thank you", html="", at=NOON
        )

        answer = proved.get(DOWNLOAD)

        archive = zipfile.ZipFile(io.BytesIO(answer.content))
        assert {"accounts.json", "enrolments.json", "mail.json", "index.html"} <= set(archive.namelist())
        profile = json.loads(archive.read("accounts.json"))["profile"][0]
        assert (profile["legal_name"], profile["province"]) == ("Sam Okafor", "CA-BC")
        assert "UnDoing Depression" in archive.read("enrolments.json").decode()
        page = archive.read("index.html").decode()
        assert "Sam Okafor" in page
        assert "UnDoing Depression" in page
        assert answer["Content-Disposition"].startswith('attachment; filename="my-data-')
        assert "no-store" in answer["Cache-Control"]

    def test_gives_away_no_code_and_nothing_of_others(self, proved, sam):
        UserFactory(email="other@example.org", legal_name="Other Person")
        write_rendered(
            key="c", kind="login_code", to=sam.email, subject="Code", text="BCD-FGH", html="", at=NOON, is_secret=True
        )

        everything = json.dumps(collect(sam), default=str)

        assert "BCD-FGH" not in everything
        assert "other@example.org" not in everything

    def test_shows_typed_markup_as_text(self, proved, sam):
        User.objects.update(legal_name="<script>alert(1)</script>")

        page = zipfile.ZipFile(io.BytesIO(proved.get(DOWNLOAD).content)).read("index.html").decode()

        assert "<script>" not in page
        assert "&lt;script&gt;" in page


class TestDeletingTheAccount:
    def test_forgets_who_it_was_everywhere(self, proved, sam):
        write_rendered(
            key="r", kind="receipt", to=sam.email, subject="Your receipt", text="Dear Sam", html="<p>", at=NOON
        )
        enrolment = EnrolmentFactory(learner=sam)

        answer = proved.post(DELETE, {"is_sure": "on"})

        sam.refresh_from_db()
        enrolment.refresh_from_db()
        message = Message.objects.get(key="r")
        assert answer.url == "/"
        assert (sam.email, sam.legal_name, sam.country) == (f"deleted-{sam.pk}@deleted.invalid", "", "")
        assert not sam.is_active
        assert not sam.has_usable_password()
        assert not sam.emailaddress_set.exists()
        assert (message.to, message.subject, message.text, message.html) == (sam.email, "", "", "")
        assert message.state == Message.State.SUPPRESSED
        assert enrolment.standing == "ended"
        assert not Session.objects.filter(pk=proved.cookies["sessionid"].value).exists()
        assert proved.get("/accounts/").status_code == 302

    def test_ends_the_sessions_of_other_browsers(self, proved, sam):
        other = type(proved)()
        other.force_login(sam)
        bystander = type(proved)()
        bystander.force_login(UserFactory())

        proved.post(DELETE, {"is_sure": "on"})

        assert other.get("/accounts/").status_code == 302
        assert bystander.get("/accounts/").status_code == 200

    def test_lets_the_address_be_used_again(self, proved, sam):
        proved.post(DELETE, {"is_sure": "on"})

        assert User.objects.create_user("sam@example.org").pk != sam.pk

    def test_wants_the_box_ticked(self, proved, sam):
        page = proved.post(DELETE, {}).content.decode()

        sam.refresh_from_db()
        assert "Tick the box if you want this." in page
        assert sam.is_active

    def test_is_refused_to_staff(self, client):
        staff = StaffFactory()
        client.post("/accounts/login/", {"login": staff.email, "password": "correct horse battery"})

        answer = client.post(DELETE, {"is_sure": "on"}, follow=True)

        staff.refresh_from_db()
        assert "You are staff." in answer.content.decode()
        assert staff.is_active


class TestReceipts:
    def test_stay_for_seven_years_and_the_page_says_so(self, proved, sam, paid_order):
        assert papers_kept_until(sam) == date(2033, 5, 14)
        assert "14 May 2033" in proved.get(PRIVACY).content.decode()
        assert "14 May 2033" in proved.get(DELETE).content.decode()

        erase(sam, at=NOON)

        assert type(paid_order).objects.filter(pk=paid_order.pk, total_cents=70_00).exists()

    def test_of_nobody_stay(self, proved, sam):
        assert papers_kept_until(sam) is None
        assert "no receipts" in proved.get(PRIVACY).content.decode()


@pytest.fixture
def paid_order(sam):
    from payments.models import Order

    return Order.objects.create(
        offer=CourseFactory(), buyer=sam, buyer_key=str(sam.pk), email=sam.email, offer_title="UnDoing Depression",
        currency="usd", subtotal_cents=140_00, coupon_cents=70_00, total_cents=70_00, state=Order.State.PAID,
        placed_at=NOON, expires_at=NOON, paid_at=NOON,
    )  # fmt: skip
