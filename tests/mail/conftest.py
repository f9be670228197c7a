import pytest

from mail.server import mailer_from
from tests.mail.smtp_double import SmtpDouble


@pytest.fixture
def smtp(settings):
    """A counting mail server; the site sends through it."""
    with SmtpDouble() as double:
        settings.MAILERS = {"default": mailer_from(double.url)}
        yield double
