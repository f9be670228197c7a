"""Django's SMTP line, which also remembers whether it began to hand over a message."""

import smtplib

from django.core.mail.backends import smtp


class _Remembering:
    """Until the DATA command a broken line means that nothing was sent; after it nobody can know."""

    began_data = False

    def data(self, msg):
        self.began_data = True
        return super().data(msg)  # type: ignore[misc]


class _Smtp(_Remembering, smtplib.SMTP):
    pass


class _SmtpOverTls(_Remembering, smtplib.SMTP_SSL):
    pass


class EmailBackend(smtp.EmailBackend):
    @property
    def connection_class(self):
        return _SmtpOverTls if self.use_ssl else _Smtp

    def open(self):
        """Greets the server too, so that all which fails here has failed before a message is at stake."""
        opened = super().open()
        if opened and self.connection is not None:
            self.connection.ehlo_or_helo_if_needed()
        return opened

    @property
    def may_have_sent(self) -> bool:
        """The server may have heard the message although it never said so."""
        return isinstance(self.connection, _Remembering) and self.connection.began_data
