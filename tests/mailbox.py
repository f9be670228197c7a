"""Reading the mail that a test made the site write."""

import re

import pytest

from mail.models import Message


@pytest.fixture
def newest_mail():
    """The last mail to somebody, as the outbox keeps it."""

    def find(to: str) -> Message:
        return Message.objects.filter(to=to).latest("id")

    return find


@pytest.fixture
def mailed_code(newest_mail):
    """The code in the last mail to somebody."""

    def find(to: str) -> str:
        return re.search(r"[B-Z]{3}-[B-Z]{3}", newest_mail(to).text).group()

    return find
