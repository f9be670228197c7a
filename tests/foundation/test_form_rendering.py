"""One shape for every field."""

import html5lib
import pytest
from django import forms
from django.template import engines


class Everything(forms.Form):
    name = forms.CharField(help_text="As on your passport.")
    note = forms.CharField(required=False)
    password = forms.CharField(widget=forms.PasswordInput)
    agreed = forms.BooleanField(label="I agree", help_text="You can undo it.")
    size = forms.ChoiceField(choices=[("s", "Small"), ("l", "Large")], widget=forms.RadioSelect)
    ticket = forms.CharField(widget=forms.HiddenInput, required=False)


def parsed(form: forms.Form):
    return html5lib.parse(str(form), namespaceHTMLElements=False)


@pytest.mark.parametrize("name", ["name", "note", "password", "agreed"])
def test_every_control_has_a_label_of_its_own(name):
    page = parsed(Everything())

    assert len(page.findall(f".//label[@for='id_{name}']")) == 1
    assert page.find(f".//*[@id='id_{name}']") is not None


@pytest.mark.parametrize("data", [None, {}], ids=["untouched", "sent empty"])
def test_whatever_describes_a_control_exists(data):
    page = parsed(Everything(data))

    described = [element.get("aria-describedby") for element in page.iter() if element.get("aria-describedby")]
    assert described
    for names in described:
        for name in names.split():
            assert page.find(f".//*[@id='{name}']") is not None


def test_an_error_is_said_beside_the_field_and_in_the_summary_that_links_to_it():
    page = parsed(Everything({"name": "", "password": "x", "agreed": "on", "size": "s"}))

    error = page.find(".//p[@id='id_name_error']")
    link = page.find(".//div[@class='errors stack g2']//a")
    assert "This field is required." in "".join(error.itertext())
    assert link.get("href") == "#id_name"
    assert page.find(".//*[@id='id_name']").get("aria-invalid") == "true"


def test_a_group_of_choices_can_be_reached_from_the_summary():
    page = parsed(Everything({"name": "Ada", "password": "x", "agreed": "on"}))

    link = page.find(".//div[@class='errors stack g2']//a")
    assert link.get("href") == "#id_size"
    assert page.find(".//fieldset[@id='id_size']") is not None


def test_optional_fields_say_so_and_hidden_ones_say_nothing():
    page = parsed(Everything())

    assert "(optional)" in "".join(page.find(".//label[@for='id_note']").itertext())
    assert "(optional)" not in "".join(page.find(".//label[@for='id_name']").itertext())
    assert page.find(".//input[@id='id_ticket']").get("type") == "hidden"
    assert page.find(".//label[@for='id_ticket']") is None


def test_what_was_typed_is_escaped():
    form = Everything({"name": '"><script>alert(1)</script>'})

    assert "<script>" not in str(form)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 sec"), (45, "45 sec"), (89, "1 min"), (90, "2 min"), (3600, "1 h"), (3900, "1 h 5 min"), (7199, "2 h")],
)
def test_lengths_are_said_in_words(seconds, words):
    template = engines["django"].from_string("{{ seconds|duration }}")

    assert template.render({"seconds": seconds}) == words
