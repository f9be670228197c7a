"""What a real site must have, and what it must not: shown by ``manage.py check --deploy``, and some at every start."""

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register(Tags.security)
def demo_and_live_stay_apart(**kwargs: object) -> Iterable[CheckMessage]:
    """Mixing them loses money or gives courses away, so no process of the site starts with this."""
    if settings.DEMO and settings.STRIPE_LIVE:
        return [
            Error(
                "A live Stripe key is set in demo mode.",
                hint="Set SECRET_KEY (and leave DEMO out) to run a real site, or take the live key away.",
                id="clinic.E001",
            )
        ]
    if not settings.DEMO and settings.STRIPE_API_BASE:
        return [
            Error(
                "STRIPE_API_BASE leads payments away from Stripe, which only the demo may do.",
                hint="Take STRIPE_API_BASE out of the environment.",
                id="clinic.E002",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def real_site_is_complete(**kwargs: object) -> Iterable[CheckMessage]:
    if settings.DEMO:
        yield Error(
            "This is the demo.", hint="Set SECRET_KEY: without it anybody could sign in as staff.", id="clinic.E010"
        )
        return
    if not settings.STRIPE_SECRET_KEY:
        yield Error("STRIPE_SECRET_KEY is missing: nobody could pay.", id="clinic.E011")
    if not settings.STRIPE_WEBHOOK_SECRETS:
        yield Error("STRIPE_WEBHOOK_SECRETS is missing: no payment would be believed.", id="clinic.E012")
    if str(settings.MAILERS["default"]["BACKEND"]).endswith("dummy.EmailBackend"):
        yield Error("MAIL_URL is missing: receipts and sign-in codes would stay in the outbox.", id="clinic.E013")
    if _is_example(settings.DEFAULT_FROM_EMAIL):
        yield Error("MAIL_FROM is missing: mail would come from the sample clinic.", id="clinic.E014")
    yield from site_address_errors()
    if settings.EMBEDDED:
        yield Warning(
            "The site runs on SQLite with one process.",
            hint="That serves a small clinic; DATABASE_URL and REDIS_URL move it to PostgreSQL and Redis.",
            id="clinic.W015",
        )


def site_address_errors() -> Iterable[CheckMessage]:
    address = urlsplit(settings.SITE_URL)
    if address.scheme != "https":
        yield Error("SITE_URL must begin with https://.", id="clinic.E016")
    if not address.hostname or address.path or _is_this_machine(address.hostname):
        yield Error(
            "SITE_URL must be the address at which people reach the site, without a path.",
            hint="Such as SITE_URL=https://courses.example.org",
            id="clinic.E017",
        )


def _is_this_machine(hostname: str) -> bool:
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return hostname == "localhost"


def _is_example(address: str) -> bool:
    return address.rstrip(">").endswith("larkwater.example")
