"""What this app keeps about a person, to hand out and to forget."""

from datetime import datetime

from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session

from accounts.models import User


def export(user: User) -> dict[str, list[dict]]:
    fields = ["email", "legal_name", "display_name", "time_zone", "country", "province", "date_joined", "last_login"]
    return {
        "profile": [{name: getattr(user, name) for name in fields}],
        "addresses": list(EmailAddress.objects.filter(user=user).values("email", "verified", "primary")),
    }


def erase(user: User, *, at: datetime) -> None:
    """The row stays, since orders point at it, without anything that says whose it was."""
    EmailAddress.objects.filter(user=user).delete()
    for session in Session.objects.filter(expire_date__gt=at).iterator():
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()

    user.email = f"deleted-{user.pk}@deleted.invalid"
    user.legal_name = user.display_name = user.time_zone = user.country = user.province = ""
    user.made_by_order = ""
    user.is_active = False
    user.last_login = None
    user.set_unusable_password()
    user.save()
