import pytest
from django.contrib.auth.models import Permission

from accounts.models import User
from foundation.acts import acts_on
from tests.factories import PersonFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/accounts/user/"


def page_of(user: User) -> str:
    return f"{LIST}{user.pk}/change/"


def typed(user: User, **changes) -> dict:
    kept = {name: getattr(user, name) for name in ("email", "legal_name", "display_name", "time_zone", "country")}
    return kept | {"province": "", "is_active": "on"} | changes


@pytest.fixture
def staff(client):
    staff = StaffFactory()
    client.force_login(staff)
    return staff


@pytest.fixture
def helper(client):
    """Staff that may edit users and is no superuser."""
    helper = StaffFactory(is_superuser=False)
    helper.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    client.force_login(helper)
    return helper


def test_a_change_of_address_moves_both_places_and_must_be_proved_again(client, staff):
    user = UserFactory(email="old@example.org")

    client.post(page_of(user), typed(user, email="New@Example.org"))

    user.refresh_from_db()
    assert user.email == "new@example.org"
    assert user.emailaddress_set.values_list("email", "primary", "verified").get() == ("new@example.org", True, False)
    assert acts_on(user).get().deed == "account changed: email"


def test_an_address_that_has_an_account_is_refused_in_any_spelling(client, staff):
    UserFactory(email="taken@example.org")
    user = UserFactory()

    page = client.post(page_of(user), typed(user, email="TAKEN@example.org"))

    assert "This address has an account." in page.content.decode()


def test_a_new_account_signs_in_with_mailed_codes(client, staff):
    client.post(f"{LIST}add/", {"email": "new@example.org", "legal_name": "", "display_name": ""})

    user = User.objects.get(email="new@example.org")
    assert not user.has_usable_password()
    assert user.emailaddress_set.get().primary


def test_no_page_shows_a_password(client, staff):
    user = UserFactory()

    page = client.get(page_of(user)).content.decode()

    assert user.password not in page
    assert 'name="password"' not in page


def test_the_page_links_to_what_other_apps_keep(client, staff):
    user = UserFactory()

    page = client.get(page_of(user)).content.decode()

    enrolments = f"/admin/enrolments/enrolment/?learner__id__exact={user.pk}"
    assert enrolments in page
    assert client.get(enrolments).status_code == 200
    assert "/admin/mail/message/?q=" in page


def test_only_superusers_give_rights(client, helper):
    user = UserFactory()

    client.post(page_of(user), typed(user, legal_name="Sam Okafor", is_staff="on", is_superuser="on"))

    user.refresh_from_db()
    assert (user.legal_name, user.is_staff, user.is_superuser) == ("Sam Okafor", False, False)


def test_a_helper_cannot_take_over_a_colleague_by_changing_their_address(client, helper):
    colleague = StaffFactory(email="colleague@example.org")

    answer = client.post(page_of(colleague), typed(colleague, email="mine@example.org"))

    colleague.refresh_from_db()
    assert answer.status_code == 403
    assert colleague.email == "colleague@example.org"


def test_accounts_are_not_deleted_here(client, staff):
    assert client.get(f"{LIST}{UserFactory().pk}/delete/").status_code == 403


@pytest.mark.parametrize("rows", [3, 30])
def test_the_list_costs_the_same_whatever_its_length(client, staff, rows, django_assert_max_num_queries):
    UserFactory.create_batch(rows)

    with django_assert_max_num_queries(8):
        client.get(LIST, {"q": "example"})


def test_people_are_listed_with_their_accounts(client, staff):
    PersonFactory(user=UserFactory())

    assert "Imogen Hale" in client.get("/admin/accounts/person/").content.decode()
