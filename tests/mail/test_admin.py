from datetime import timedelta

import pytest
from django.utils import timezone

from foundation.acts import acts_on
from mail.models import Message, Suppression
from mail.outbox import write_rendered
from tests.factories import StaffFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/mail/message/"
State = Message.State


@pytest.fixture(autouse=True)
def staff(client):
    staff = StaffFactory()
    client.force_login(staff)
    return staff


def write(key="receipt:R-1", **given) -> Message:
    words = {"kind": "receipt", "to": "sam@example.org", "subject": "Your receipt", "text": "Thank you, Sam."}
    html = "<p style='color:red'>Thank you, <script>alert(1)</script>Sam.</p>"
    return write_rendered(key=key, at=timezone.now(), **{**words, "html": html, **given})


def page_of(message: Message) -> str:
    return f"{LIST}{message.pk}/change/"


def test_a_message_is_shown_with_its_words_and_cannot_be_edited(client):
    message = write()

    page = client.get(page_of(message)).content.decode()
    client.post(page_of(message), {"to": "mine@example.org", "state": "sent"})

    message.refresh_from_db()
    assert "Thank you, Sam." in page
    assert 'name="_save"' not in page
    assert (message.to, message.state) == ("sam@example.org", State.QUEUED)
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.get(f"{LIST}{message.pk}/delete/").status_code == 403


def test_the_html_is_shown_in_a_frame_in_which_nothing_runs(client, settings):
    message = write()

    frame = client.get(f"{LIST}{message.pk}/preview/")

    assert "sandbox" in frame["Content-Security-Policy"]
    assert "default-src 'none'" in frame["Content-Security-Policy"]
    assert frame["X-Frame-Options"] == "SAMEORIGIN"
    assert 'sandbox width="660"' in client.get(page_of(message)).content.decode()


def test_codes_are_masked_outside_the_demo(client, settings):
    settings.DEMO = False
    message = write(is_secret=True, text="BCD-FGH", html="<p>BCD-FGH</p>")

    page = client.get(page_of(message)).content.decode()

    assert "BCD-FGH" not in page
    assert "only the person it was sent to may see" in page
    assert client.get(f"{LIST}{message.pk}/preview/").status_code == 403


def test_codes_are_readable_in_the_demo(client, settings):
    settings.DEMO = True

    assert "BCD-FGH" in client.get(page_of(write(is_secret=True, text="BCD-FGH"))).content.decode()


def test_sending_again_says_first_what_it_does(client, staff, django_capture_on_commit_callbacks, smtp):
    message = write()
    Message.objects.update(state=State.SENT)
    chosen = {"action": "send_again", "_selected_action": [message.pk]}

    question = client.post(LIST, chosen).content.decode()
    assert "1 of them was sent: this person gets it twice." in question
    message.refresh_from_db()
    assert message.state == State.SENT

    with django_capture_on_commit_callbacks(execute=True):
        done = client.post(LIST, chosen | {"confirmed": "yes"}, follow=True).content.decode()
    assert "1 mail is on its way again." in done
    assert smtp.recipients == ["sam@example.org"]
    assert acts_on(message).get().by == staff


def test_a_message_whose_words_were_dropped_is_not_sent_again(client):
    message = write(text="")

    page = client.post(
        LIST, {"action": "send_again", "_selected_action": [message.pk], "confirmed": "yes"}, follow=True
    ).content.decode()

    assert "Its words were dropped" in page


def test_the_sweep_runs_after_a_question(client, smtp):
    write()

    assert "delivers 1 mail that is due" in client.get(f"{LIST}sweep/").content.decode()
    assert smtp.accepted == []
    page = client.post(f"{LIST}sweep/", follow=True).content.decode()

    assert "1 delivered, 0 marked as perhaps sent." in page
    assert smtp.recipients == ["sam@example.org"]


def test_a_suppressed_address_remembers_since_when(client):
    client.post("/admin/mail/suppression/add/", {"address": "sam@example.org", "reason": "bounced"})

    assert timezone.now() - Suppression.objects.get().since < timedelta(minutes=1)


@pytest.mark.parametrize("rows", [3, 30])
def test_the_list_costs_the_same_whatever_its_length(client, rows, django_assert_max_num_queries):
    for number in range(rows):
        write(key=f"receipt:{number}")

    with django_assert_max_num_queries(10):
        client.get(LIST)
