from datetime import timedelta

import pytest
from django.db import transaction

from mail.delivery import LEASE, RETRY_AFTER, deliver, sweep
from mail.models import Message, Suppression
from mail.outbox import BeingSent, NothingLeftToSend, send_again, write_rendered
from tests.factories import NOON

State = Message.State
ONCE = pytest.mark.django_db


def write(key="receipt:R-1", to="sam@example.org", at=NOON, **given):
    words = {"subject": "Your receipt", "text": "Thank you.\n", "html": "<p>Thank you.</p>"}
    return write_rendered(key=key, kind="receipt", to=to, at=at, **{**words, **given})


def now(message: Message) -> Message:
    message.refresh_from_db()
    return message


@ONCE
class TestWriting:
    def test_the_same_mail_twice_is_one_row(self):
        first = write()
        second = write(subject="Another")

        assert first == second
        assert Message.objects.get().subject == "Your receipt"

    @pytest.mark.django_db(transaction=True)
    def test_a_transaction_that_fails_leaves_no_mail(self, smtp):
        with transaction.atomic():
            write()
            transaction.set_rollback(True)

        assert not Message.objects.exists()
        assert smtp.accepted == []

    @pytest.mark.django_db(transaction=True)
    def test_delivery_begins_once_the_transaction_is_committed(self, smtp, settings):
        with transaction.atomic():
            message = write()
            assert smtp.accepted == []

        assert now(message).state == State.SENT
        assert smtp.recipients == ["sam@example.org"]

    @pytest.mark.django_db(transaction=True)
    def test_without_a_broker_the_mail_waits_for_the_sweep(self, smtp, settings):
        settings.CELERY_TASK_ALWAYS_EAGER = False
        from clinic.celery import app

        app.conf.update(task_always_eager=False, broker_url="redis://127.0.0.1:1/0")
        try:
            message = write()
        finally:
            app.conf.update(task_always_eager=True, broker_url=settings.CELERY_BROKER_URL)

        assert now(message).state == State.QUEUED
        assert sweep(at=NOON) == {"delivered": 1, "unclear": 0}
        assert smtp.recipients == ["sam@example.org"]

    def test_a_subject_is_one_line(self):
        assert write(subject="Your receipt\r\nBcc: all@example.org").subject == "Your receipt Bcc: all@example.org"


@ONCE
class TestDelivering:
    def test_sends_text_and_html_once(self, smtp):
        message = write()

        assert deliver(message.pk, at=NOON) == State.SENT
        assert deliver(message.pk, at=NOON + timedelta(hours=1)) is None

        (mail,) = smtp.accepted
        assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
        assert mail["Auto-Submitted"] == "auto-generated"
        assert (now(message).sent_at, message.attempts, message.last_error) == (NOON, 1, "")

    def test_every_attempt_has_the_same_message_id_of_our_own_host(self, smtp, settings):
        settings.SITE_URL = "https://clinic.example"
        message = write()
        deliver(message.pk, at=NOON)
        send_again(now(message), at=NOON)
        deliver(message.pk, at=NOON)

        first, second = (mail["Message-ID"] for mail in smtp.accepted)
        assert first == second
        assert first.endswith("@clinic.example>")

    @pytest.mark.parametrize("where", ["EHLO", "MAIL", "sam@example.org", "DATA", "END"])
    def test_comes_back_after_a_temporary_refusal(self, smtp, where):
        smtp.answers[where] = "451 come back later"
        if where == "EHLO":
            smtp.answers["HELO"] = "451 come back later"
        message = write()

        assert deliver(message.pk, at=NOON) == State.QUEUED
        assert now(message).next_at == NOON + RETRY_AFTER[0]
        assert "451" in message.last_error
        smtp.answers.clear()
        assert deliver(message.pk, at=message.next_at) == State.SENT

    @pytest.mark.parametrize("where", ["MAIL", "sam@example.org", "DATA", "END"])
    def test_gives_up_at_a_permanent_refusal(self, smtp, where):
        smtp.answers[where] = "550 no such person"
        message = write()

        assert deliver(message.pk, at=NOON) == State.FAILED
        assert "550" in now(message).last_error

    def test_waits_longer_each_time_and_then_fails(self, smtp, settings):
        settings.MAILERS["default"]["OPTIONS"]["port"] = 1
        message = write()
        waits, at = [], NOON

        while deliver(message.pk, at=at) == State.QUEUED:
            waits.append(now(message).next_at - at)
            at = message.next_at

        assert waits == RETRY_AFTER
        assert now(message).state == State.FAILED

    @pytest.mark.parametrize("where", ["EHLO", "MAIL", "sam@example.org"])
    def test_tries_again_when_the_line_breaks_before_the_message_was_spoken(self, smtp, where):
        smtp.answers[where] = "hang up"
        message = write()

        assert deliver(message.pk, at=NOON) == State.QUEUED

    def test_leaves_to_staff_what_may_have_arrived_when_the_line_broke(self, smtp):
        smtp.answers["END"] = "hang up"
        message = write()

        assert deliver(message.pk, at=NOON) == State.UNCLEAR
        assert sweep(at=NOON + timedelta(days=1)) == {"delivered": 0, "unclear": 0}

    def test_a_server_that_says_goodbye_badly_has_still_taken_the_message(self, smtp):
        smtp.answers["QUIT"] = "hang up"
        message = write()

        assert deliver(message.pk, at=NOON) == State.SENT

    def test_sends_nothing_to_a_suppressed_address(self, smtp):
        Suppression.objects.create(address="Sam@Example.org", reason="bounced", since=NOON)
        message = write()

        assert deliver(message.pk, at=NOON) == State.SUPPRESSED
        assert smtp.conversations == 0

    def test_keeps_the_mail_for_staff_when_there_is_no_server(self, settings):
        settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.dummy.EmailBackend"}}
        message = write()

        assert deliver(message.pk, at=NOON) == State.KEPT
        assert now(message).text == "Thank you.\n"

    @pytest.mark.parametrize(
        "address",
        [
            "sam@example.org\nBcc: all@example.org",
            "sam@example.org\r\n\r\nHello",
            "sam@example.org, all@example.org",
            "not an address",
            "sam\0@example.org",
        ],
    )
    def test_an_address_that_is_more_than_an_address_gets_nothing(self, smtp, address):
        if "\0" in address:
            address = address.replace("\0", "\x01")
        message = write(to=address)

        assert deliver(message.pk, at=NOON) == State.FAILED
        assert smtp.accepted == []

    def test_another_worker_leaves_alone_what_one_has_taken(self, smtp):
        message = write()
        Message.objects.update(next_at=NOON + LEASE, attempts=1)

        assert deliver(message.pk, at=NOON) is None
        assert deliver(message.pk, at=NOON + LEASE) == State.SENT


@ONCE
class TestSecrets:
    def test_their_words_are_dropped_after_delivery(self, smtp, settings):
        settings.DEMO = False
        message = write(is_secret=True)

        deliver(message.pk, at=NOON)

        assert (now(message).text, message.html, message.subject) == ("", "", "Your receipt")
        with pytest.raises(NothingLeftToSend):
            send_again(message, at=NOON)

    def test_stay_readable_in_the_demo(self, smtp, settings):
        settings.DEMO = True
        message = write(is_secret=True)

        deliver(message.pk, at=NOON)

        assert now(message).text == "Thank you.\n"

    def test_are_not_sent_when_their_code_has_run_out(self, smtp, settings):
        settings.DEMO = False
        message = write(is_secret=True)

        assert deliver(message.pk, at=NOON + timedelta(minutes=16)) == State.FAILED
        assert smtp.accepted == []
        assert now(message).text == ""

    def test_are_dropped_when_it_is_unclear_whether_they_arrived(self, settings):
        settings.DEMO = False
        message = write(is_secret=True)
        Message.objects.update(state=State.SENDING, sending_since=NOON)

        sweep(at=NOON + timedelta(minutes=10))

        assert (now(message).state, message.text) == (State.UNCLEAR, "")


@ONCE
class TestTheSweep:
    def test_delivers_what_is_due_and_hands_over_what_a_dead_worker_left(self, smtp):
        _due, later, stuck, young = (
            write(key=key, to=f"{key}@example.org") for key in ("due", "later", "stuck", "young")
        )
        Message.objects.filter(pk=later.pk).update(next_at=NOON + timedelta(hours=1))
        Message.objects.filter(pk=stuck.pk).update(state=State.SENDING, sending_since=NOON - timedelta(minutes=10))
        Message.objects.filter(pk=young.pk).update(state=State.SENDING, sending_since=NOON - timedelta(minutes=9))

        assert sweep(at=NOON) == {"delivered": 1, "unclear": 1}
        assert sweep(at=NOON) == {"delivered": 0, "unclear": 0}

        states = dict(Message.objects.values_list("key", "state"))
        assert states == {"due": "sent", "later": "queued", "stuck": "unclear", "young": "sending"}
        assert smtp.recipients == ["due@example.org"]

    def test_stops_at_a_server_that_does_not_answer_and_loses_nothing(self, smtp, settings):
        settings.MAILERS["default"]["OPTIONS"]["port"] = 1
        for number in range(3):
            write(key=f"receipt:{number}")

        assert sweep(at=NOON) == {"delivered": 0, "unclear": 0}

        assert list(Message.objects.order_by("id").values_list("state", "attempts")) == [
            ("queued", 1),
            ("queued", 0),
            ("queued", 0),
        ]

    def test_goes_on_after_one_address_was_refused(self, smtp):
        smtp.answers["a@example.org"] = "451 later"
        write(key="a", to="a@example.org")
        write(key="b", to="b@example.org")

        assert sweep(at=NOON)["delivered"] == 1
        assert smtp.recipients == ["b@example.org"]


@ONCE
class TestSendingAgain:
    @pytest.mark.parametrize("state", [State.SENT, State.FAILED, State.UNCLEAR, State.KEPT, State.SUPPRESSED])
    def test_queues_a_message_that_has_ended(self, smtp, state):
        message = write()
        Message.objects.update(state=state, attempts=7, last_error="551")

        send_again(message, at=NOON)

        assert deliver(message.pk, at=NOON) == State.SENT
        assert now(message).attempts == 1

    def test_waits_for_a_worker_that_has_it_in_hand(self):
        message = write()
        Message.objects.update(state=State.SENDING, sending_since=NOON)

        with pytest.raises(BeingSent):
            send_again(message, at=NOON)
