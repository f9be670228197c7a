import pytest
from django.core.exceptions import ImproperlyConfigured

from mail.server import mailer_from


@pytest.mark.parametrize(
    ("url", "port", "use_ssl", "use_tls"),
    [
        ("smtp://mail.example", 25, False, False),
        ("smtp://mail.example:1025", 1025, False, False),
        ("smtp+tls://mail.example", 587, False, True),
        ("smtps://mail.example", 465, True, False),
        ("smtps://mail.example:2465", 2465, True, False),
    ],
)
def test_the_scheme_says_how_the_line_is_secured(url, port, use_ssl, use_tls):
    options = mailer_from(url)["OPTIONS"]

    assert (options["host"], options["port"]) == ("mail.example", port)
    assert (options["use_ssl"], options["use_tls"]) == (use_ssl, use_tls)


def test_user_and_password_may_hold_any_sign_when_percent_encoded():
    options = mailer_from("smtp+tls://sam%40clinic.example:p%2F%3A%20w@mail.example")["OPTIONS"]

    assert (options["username"], options["password"]) == ("sam@clinic.example", "p/: w")


def test_without_an_address_nothing_is_sent():
    assert mailer_from("") == {"BACKEND": "django.core.mail.backends.dummy.EmailBackend"}


@pytest.mark.parametrize("url", ["http://mail.example", "mail.example:25", "smtp://", "smtp+ssl://mail.example"])
def test_another_kind_of_address_is_refused_with_the_three_that_work(url):
    with pytest.raises(ImproperlyConfigured, match=r"smtp://, smtp\+tls:// or smtps://"):
        mailer_from(url)
