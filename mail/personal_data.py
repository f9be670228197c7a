"""What this app keeps about a person, to hand out and to forget."""

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser

from mail.models import Message, Suppression


def export(user: AbstractBaseUser) -> dict[str, list[dict]]:
    address = user.get_username()
    sent = Message.objects.filter(to__iexact=address)
    return {
        # A code in a mail may still open the account; it is nobody's keepsake.
        "messages": [
            dict(row)
            for row in sent.filter(is_secret=False).values("created_at", "kind", "subject", "text", "state", "sent_at")
        ],
        "messages_with_codes": [
            dict(row) for row in sent.filter(is_secret=True).values("created_at", "kind", "subject", "state")
        ],
        "do_not_write_to": [
            dict(row)
            for row in Suppression.objects.filter(address__iexact=address).values("address", "reason", "since")
        ],
    }


def erase(user: AbstractBaseUser, *, at: datetime) -> None:
    """Forget the words and the address of every message; that a message went out, and about what kind of thing, stays."""
    theirs = Message.objects.filter(to__iexact=user.get_username())
    theirs.filter(state=Message.State.QUEUED).update(state=Message.State.SUPPRESSED)
    theirs.update(to=f"deleted-{user.pk}@deleted.invalid", subject="", text="", html="", last_error="")
