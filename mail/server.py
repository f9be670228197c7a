"""The mail server that MAIL_URL names, as Django's MAILERS wants it."""

from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_USUAL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}

# Without a server nothing is sent: the outbox keeps the mail for staff to read.
KEEPING = "django.core.mail.backends.dummy.EmailBackend"


def mailer_from(url: str) -> dict[str, object]:
    """``smtp://`` (plain), ``smtp+tls://`` (STARTTLS) or ``smtps://`` (TLS from the start) with ``user:password@host:port``.

    :raises ImproperlyConfigured: another kind of address, or one without a host.
    """
    if not url:
        return {"BACKEND": KEEPING}
    parts = urlsplit(url)
    if parts.scheme not in _USUAL_PORTS or not parts.hostname:
        raise ImproperlyConfigured("MAIL_URL starts with smtp://, smtp+tls:// or smtps:// and names a host.")
    return {
        "BACKEND": "mail.smtp.EmailBackend",
        "OPTIONS": {
            "host": parts.hostname,
            "port": parts.port or _USUAL_PORTS[parts.scheme],
            "username": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "use_ssl": parts.scheme == "smtps",
            "use_tls": parts.scheme == "smtp+tls",
            "timeout": 20,
        },
    }
