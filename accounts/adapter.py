"""How allauth behaves here: its mail goes through the outbox, and addresses are kept in one spelling."""

import uuid

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from django.conf import settings
from django.utils import timezone

from accounts.models import normalise_address
from foundation.identity import clinic_identity
from mail.outbox import write_rendered

# These carry a code or link that signs somebody in.
SECRET_KINDS = {
    "login_code", "password_reset_key", "password_reset_code", "email_confirmation", "email_confirmation_signup",
}  # fmt: skip


class AccountAdapter(DefaultAccountAdapter):
    def clean_email(self, email: str) -> str:
        return normalise_address(email)

    def send_mail(self, template_prefix: str, email: str, context: dict) -> None:
        kind = template_prefix.rpartition("/")[2]
        frame = {
            **context, "request": allauth_context.request, "email": email, "clinic": clinic_identity(), "site_url": settings.SITE_URL,
        }  # fmt: skip
        mail = self.render_mail(template_prefix, email, frame)
        html = next((part.content for part in mail.alternatives), "")
        write_rendered(
            key=f"{kind}:{uuid.uuid4()}",
            kind=kind,
            to=email,
            subject=mail.subject,
            text=mail.body,
            html=html,
            at=timezone.now(),
            is_secret=kind in SECRET_KINDS,
        )
