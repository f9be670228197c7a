import pytest
from allauth.account.models import EmailAddress

from accounts.models import User
from accounts.signing_up import AddressProved, AddressTaken, account_for, correct_address
from mail.models import Message
from tests.factories import NOON, UserFactory

pytestmark = pytest.mark.django_db

THERE = "/courses/undoing-depression/?coupon=changeways70"
ASK = "/accounts/login/code/"
ENTER = "/accounts/login/code/confirm/"
CONFIRM = "/accounts/confirm-email/"


def address_of(user: User) -> tuple[str, bool, bool]:
    return user.emailaddress_set.values_list("email", "primary", "verified").get()


def test_signs_that_nobody_sees_make_no_other_address():
    account, __ = account_for("sam@example.org", order_number="0000000001", at=NOON)

    again, made = account_for("\u200esam@example.org\u200b", order_number="0000000002", at=NOON)

    assert (again, made) == (account, False)


class TestSigningUp:
    def test_confirms_the_address_with_a_code_and_leads_on_with_the_coupon(self, client, mailed_code):
        client.post("/accounts/signup/", {"email": "Sam@Example.org", "legal_name": "Sam Okafor", "next": THERE})

        confirmed = client.post(CONFIRM, {"code": mailed_code("sam@example.org")})

        user = User.objects.get()
        assert confirmed.url == THERE
        assert client.session["_auth_user_id"] == str(user.pk)
        assert (user.email, user.legal_name, user.has_usable_password()) == ("sam@example.org", "Sam Okafor", False)
        assert address_of(user) == ("sam@example.org", True, True)

    def test_takes_a_password_from_whoever_wants_one(self, client):
        client.post("/accounts/signup/", {"email": "sam@example.org", "password1": "a quiet river bend"})

        assert User.objects.get().check_password("a quiet river bend")

    def test_refuses_a_short_password(self, client):
        page = client.post("/accounts/signup/", {"email": "sam@example.org", "password1": "short"})

        assert "at least 10 characters" in page.content.decode()
        assert not User.objects.exists()

    def test_with_an_address_that_has_an_account_looks_the_same_and_says_so_by_mail(self, client, newest_mail):
        UserFactory(email="sam@example.org")

        answer = client.post("/accounts/signup/", {"email": "SAM@example.org"}, follow=True)

        assert answer.redirect_chain[-1][0] == CONFIRM
        assert "We mailed a code to" in answer.content.decode()
        assert newest_mail("sam@example.org").kind == "account_already_exists"
        assert User.objects.count() == 1


class TestTheAccountOfAPaidOrder:
    def test_is_made_once_without_password_and_with_an_unproved_address(self):
        account, is_new = account_for(" Sam@Example.ORG", order_number="AB12", at=NOON)
        again, is_new_again = account_for("sam@example.org", order_number="CD34", at=NOON)

        assert (is_new, is_new_again) == (True, False)
        assert again == account
        assert (account.email, account.made_by_order, account.date_joined) == ("sam@example.org", "AB12", NOON)
        assert not account.has_usable_password()
        assert address_of(account) == ("sam@example.org", True, False)

    def test_is_the_one_that_the_address_has(self):
        user = UserFactory(email="sam@example.org")

        assert account_for("SAM@example.org", order_number="AB12", at=NOON) == (user, False)
        user.refresh_from_db()
        assert user.made_by_order == ""

    def test_becomes_its_owners_at_the_first_code(self, client, mailed_code):
        account, _is_new = account_for("sam@example.org", order_number="AB12", at=NOON)
        client.post(ASK, {"email": "sam@example.org"})

        client.post(ENTER, {"code": mailed_code("sam@example.org")})

        account.refresh_from_db()
        assert client.session["_auth_user_id"] == str(account.pk)
        assert account.made_by_order == ""
        assert address_of(account) == ("sam@example.org", True, True)

    def test_throws_out_whoever_was_in_it_before_its_owner_came(self, client, mailed_code):
        """Somebody bought with a stranger's address, was signed in by the payment and set a password."""
        account, _is_new = account_for("stranger@example.org", order_number="AB12", at=NOON)
        account.set_password("left behind on purpose")
        account.save()
        buyer = type(client)()
        buyer.force_login(account)
        assert buyer.get("/accounts/").status_code == 200

        client.post(ASK, {"email": "stranger@example.org"})
        client.post(ENTER, {"code": mailed_code("stranger@example.org")})

        account.refresh_from_db()
        assert buyer.get("/accounts/").status_code == 302
        assert not account.has_usable_password()
        assert client.get("/accounts/").status_code == 200

    def test_can_be_confirmed_from_the_session_that_the_payment_opened(self, client, mailed_code):
        account, _is_new = account_for("sam@example.org", order_number="AB12", at=NOON)
        client.force_login(account)
        client.post("/accounts/email/", {"email": "sam@example.org", "action_send": "1"})

        client.post(CONFIRM, {"code": mailed_code("sam@example.org")})

        account.refresh_from_db()
        assert account.made_by_order == ""
        assert address_of(account) == ("sam@example.org", True, True)
        assert client.get("/accounts/").status_code == 200


class TestCorrectingAMistypedAddress:
    def test_moves_the_account(self):
        account, _is_new = account_for("sma@example.org", order_number="AB12", at=NOON)

        correct_address(account, "Sam@example.org")

        assert account.email == "sam@example.org"
        account.refresh_from_db()
        assert (account.email, account.made_by_order) == ("sam@example.org", "AB12")
        assert address_of(account) == ("sam@example.org", True, False)

    def test_is_refused_for_an_address_that_has_an_account(self):
        UserFactory(email="sam@example.org")
        account, _is_new = account_for("sma@example.org", order_number="AB12", at=NOON)

        with pytest.raises(AddressTaken):
            correct_address(account, "SAM@example.org")

        account.refresh_from_db()
        assert account.email == "sma@example.org"
        assert address_of(account) == ("sma@example.org", True, False)

    def test_is_refused_once_somebody_has_signed_in_with_it(self):
        account = UserFactory(email="sma@example.org")

        with pytest.raises(AddressProved):
            correct_address(account, "sam@example.org")

    def test_ends_the_use_of_a_code_mailed_to_the_wrong_one(self, client, mailed_code):
        account, _is_new = account_for("sma@example.org", order_number="AB12", at=NOON)
        client.post(ASK, {"email": "sma@example.org"})

        correct_address(account, "sam@example.org")
        client.post(ENTER, {"code": mailed_code("sma@example.org")})

        assert "_auth_user_id" not in client.session
        assert address_of(account) == ("sam@example.org", True, False)


class TestChangingTheAddress:
    def test_takes_effect_when_the_code_from_the_new_mailbox_is_entered(self, client, mailed_code, newest_mail):
        user = UserFactory(email="old@example.org")
        client.force_login(user)
        client.post("/accounts/reauthenticate/", {"password": "correct horse battery"})

        client.post("/accounts/email/", {"email": "New@example.org", "action_add": "1"})
        user.refresh_from_db()
        assert user.email == "old@example.org"
        client.post(CONFIRM, {"code": mailed_code("new@example.org")})

        user.refresh_from_db()
        assert user.email == "new@example.org"
        assert address_of(user) == ("new@example.org", True, True)
        assert newest_mail("old@example.org").kind == "email_changed"

    def test_asks_for_proof_first(self, client):
        client.force_login(UserFactory())

        answer = client.post("/accounts/email/", {"email": "new@example.org", "action_add": "1"})

        assert answer.url.startswith("/accounts/reauthenticate/")
        assert not Message.objects.filter(to="new@example.org").exists()

    def test_to_an_address_that_has_an_account_changes_nothing(self, client):
        UserFactory(email="taken@example.org")
        user = UserFactory(email="old@example.org")
        client.force_login(user)
        client.post("/accounts/reauthenticate/", {"password": "correct horse battery"})

        client.post("/accounts/email/", {"email": "taken@example.org", "action_add": "1"})

        assert EmailAddress.objects.filter(email="taken@example.org").count() == 1


class TestANewPassword:
    def test_is_chosen_after_a_mailed_code_and_leads_on(self, client, mailed_code):
        user = UserFactory()
        asked = client.post("/accounts/password/reset/", {"email": user.email, "next": THERE})
        entered = client.post(asked.url, {"code": mailed_code(user.email), "next": THERE})

        done = client.post(
            entered.url, {"password1": "a quiet river bend", "password2": "a quiet river bend", "next": THERE}
        )

        user.refresh_from_db()
        assert user.check_password("a quiet river bend")
        assert client.session["_auth_user_id"] == str(user.pk)
        assert done.url == THERE
