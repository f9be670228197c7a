"""The log of what staff did: every act that touches money, access or records goes through here."""

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Model, QuerySet

from foundation.models import StaffAct


def log_act(*, by: AbstractBaseUser | None, deed: str, subject: Model, reason: str = "", at: datetime) -> StaffAct:
    """Write down that ``by`` did ``deed`` to ``subject``; in the same transaction as the deed. None stands for a command."""
    return StaffAct.objects.create(
        at=at,
        by_id=by.pk if by else None,
        by_name=by.get_username() if by else "command line",
        deed=deed,
        subject=_name_of(subject),
        reason=reason,
    )


def acts_on(subject: Model) -> QuerySet[StaffAct]:
    """What staff did to ``subject``, newest first."""
    return StaffAct.objects.filter(subject=_name_of(subject))


def _name_of(subject: Model) -> str:
    return f"{subject._meta.label_lower}:{subject.pk}"
