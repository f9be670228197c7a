import pytest

from accounts.models import User
from accounts.signing_up import account_for
from tests.factories import NOON
from tests.racing import in_processes

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def make_account(order_number: str) -> bool:
    _account, is_new = account_for("sam@example.org", order_number=order_number, at=NOON)
    return is_new


def test_of_many_orders_for_one_new_address_one_makes_the_account():
    made = in_processes(make_account, [(f"ORDER{number}",) for number in range(20)], workers=4)

    assert sum(made) == 1
    assert User.objects.get().emailaddress_set.count() == 1
