"""Accounts and their addresses. ``User.email`` and the account's one ``EmailAddress`` row always say the same."""

from datetime import datetime

from allauth.account.models import EmailAddress
from django.contrib.auth import update_session_auth_hash
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User, normalise_address


class AddressTaken(Exception):
    """Another account has this address."""


class AddressProved(Exception):
    """Somebody has signed in with a code sent to the address, so it is no mistake any more."""


def account_for(address: str, *, order_number: str, at: datetime) -> tuple[User, bool]:
    """The account with ``address``, made for a paid order when there is none; True when it was made now.

    Of many callers at once, in one or many transactions, exactly one makes it.
    """
    email = normalise_address(address)
    if account := User.objects.filter(email=email).first():
        return account, False
    try:
        with transaction.atomic():
            account = User(email=email, made_by_order=order_number, date_joined=at)
            account.set_unusable_password()
            account.save()
            EmailAddress.objects.create(user=account, email=email, primary=True)
    except IntegrityError:
        return User.objects.get(email=email), False
    return account, True


def correct_address(account: User, new_address: str) -> None:
    """Give an account that a payment made the address its buyer meant; as long as nobody has proved the first one.

    :raises AddressTaken: another account has ``new_address``.
    :raises AddressProved: its owner has signed in.
    """
    with transaction.atomic():
        if not User.objects.filter(pk=account.pk).exclude(made_by_order="").exists():
            raise AddressProved(_("Somebody has signed in with this address already."))
        move_to_address(account, new_address)


def move_to_address(account: User, new_address: str) -> None:
    """Change the account's address everywhere; the new one is unproved until the next mailed code.

    :raises AddressTaken: another account has ``new_address``.
    """
    email = normalise_address(new_address)
    try:
        with transaction.atomic():
            User.objects.filter(pk=account.pk).update(email=email)
            EmailAddress.objects.filter(user=account).delete()
            EmailAddress.objects.create(user=account, email=email, primary=True)
    except IntegrityError as error:
        raise AddressTaken(_("This address has an account.")) from error
    account.email = email


def address_was_proved(request: HttpRequest, email_address: EmailAddress, **kwargs: object) -> None:
    """allauth's signal. The account that a payment made now belongs to the owner of its address, and to nobody else:

    a password and any session from before, which need not be theirs, end here.
    """
    account = email_address.user
    if not account.made_by_order:
        return
    account.made_by_order = ""
    account.set_unusable_password()
    account.save(update_fields=["made_by_order", "password"])
    if request.user.is_authenticated and request.user.pk == account.pk:
        update_session_auth_hash(request, account)
