"""Sets up a real site: who owns it, where it is, and whose name its pages and receipts bear."""

from argparse import ArgumentParser

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse

from accounts.models import User, normalise_address
from clinic.checks import site_address_errors
from foundation.models import ClinicIdentity
from foundation.page_cache import forget_pages

CARE_NOTICE = (
    "Our courses are education and self-care. They are not a substitute for assessment or treatment by a health "
    "professional, and nobody watches them for emergencies. In danger, call your local emergency number."
)
# Flag, what is asked, field of the identity, whether it may stay empty.
QUESTIONS = [
    ("clinic", "Name of the clinic", "name", False),
    ("legal-name", "Legal name, for receipts", "legal_name", False),
    ("address", "Address for receipts (parts divided by ;)", "address", False),
    ("clinic-email", "E-mail address people may write to", "email", False),
    ("phone", "Telephone", "phone", True),
    ("tax-number", "Tax number, for receipts", "tax_number", True),
]


class Command(BaseCommand):
    help = (
        "Sets up a real site: the owner's account, the site's address, the clinic's identity. "
        "Asks for what no flag says; safe to repeat: what is there is kept unless you say otherwise."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--owner", metavar="EMAIL", help="e-mail address of the owner, who may do everything")
        for flag, meaning, _field, _optional in QUESTIONS:
            parser.add_argument(f"--{flag}", help=meaning)
        parser.add_argument("--no-input", action="store_false", dest="interactive", help="ask nothing")

    def handle(self, *, owner: str | None, interactive: bool, **options) -> None:
        self.interactive = interactive
        _refuse_unready_site()
        self.stdout.write(f"People reach the site at {settings.SITE_URL} (SITE_URL).")

        identity = self._identity(options)
        address = self._owner_address(owner)
        with transaction.atomic():
            identity.save()
            forget_pages()
            user, is_new = _make_owner(address)

        self.stdout.write(f"Identity: {identity.name}, {identity.legal_name}. Edit it in the admin at any time.")
        self.stdout.write(f"Owner: {user.email} {'(new account)' if is_new else '(had an account)'}.")
        self.stdout.write(
            f"Sign in with a mailed code: {settings.SITE_URL}{reverse('account_request_login_code')}\n"
            f"Then open {settings.SITE_URL}{reverse('admin:index')}"
        )

    def _identity(self, options: dict) -> ClinicIdentity:
        identity = ClinicIdentity.objects.first() or ClinicIdentity(care_notice=CARE_NOTICE)
        for flag, meaning, field, optional in QUESTIONS:
            kept = getattr(identity, field)
            answer = self._answer(meaning, options[flag.replace("-", "_")], kept=kept, flag=flag, optional=optional)
            setattr(identity, field, _lines(answer) if field == "address" else answer)
        try:
            identity.full_clean()
        except ValidationError as error:
            raise CommandError(
                "\n".join(f"{field}: {' '.join(said)}" for field, said in error.message_dict.items())
            ) from None
        return identity

    def _owner_address(self, given: str | None) -> str:
        owners = User.objects.filter(is_superuser=True, is_active=True).order_by("date_joined")
        kept = owners.values_list("email", flat=True).first() or ""
        address = normalise_address(self._answer("E-mail address of the owner", given, kept=kept, flag="owner"))
        try:
            validate_email(address)
        except ValidationError:
            raise CommandError(f"{address!r} is no e-mail address.") from None
        if address.endswith("larkwater.example"):
            raise CommandError("That is an address of the sample clinic; nobody could read the sign-in codes.")
        return address

    def _answer(self, meaning: str, given: str | None, *, kept: str, flag: str, optional: bool = False) -> str:
        if given is not None:
            answer = given.strip()
        elif self.interactive:
            shown = "; ".join(kept.splitlines())
            answer = input(f"{meaning}{f' [{shown}]' if shown else ''}: ").strip() or kept
        else:
            answer = kept
        if not answer and not optional:
            raise CommandError(f"{meaning}: please say it (--{flag}).")
        return answer


def _lines(address: str) -> str:
    return "\n".join(part.strip() for part in address.replace(";", "\n").splitlines() if part.strip())


def _refuse_unready_site() -> None:
    if settings.DEMO:
        raise CommandError("This is the demo; set SECRET_KEY to set up a real site (docs/running.md).")
    errors = [f"{error.msg} {error.hint or ''}".strip() for error in site_address_errors()]
    if errors:
        raise CommandError("\n".join(errors))
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CommandError("The database is not up to date: run manage.py migrate first.")


def _make_owner(address: str) -> tuple[User, bool]:
    """An account that may do everything and signs in with mailed codes; an existing one keeps its password."""
    user = User.objects.filter(email=address).first()
    is_new = user is None
    if user is None:
        user = User.objects.create_superuser(address)
    else:
        User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True, is_active=True)
    # Whoever may run this command vouches for the address; the mailed code proves it at each sign-in.
    proved, _ = EmailAddress.objects.get_or_create(
        user=user, email=address, defaults={"primary": True, "verified": True}
    )
    if not proved.verified:
        proved.set_verified()
    return user, is_new
