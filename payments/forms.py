"""What a buyer types, turned into clean values."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import normalise_address
from payments.checkout import Details


class CheckoutForm(forms.Form):
    """Only the address is needed; whoever signed in need not give it."""

    email = forms.EmailField(
        label=_("Email"),
        max_length=254,
        help_text=_("Your receipt and the way in go here."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": _("Enter your e-mail address."),
            "invalid": _("Enter an e-mail address such as name@example.org."),
        },
    )
    name = forms.CharField(
        label=_("Name on the receipt"), max_length=120, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )  # fmt: skip
    company = forms.CharField(
        label=_("Company"), max_length=120, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )  # fmt: skip
    tax_id = forms.CharField(label=_("Tax number of the company"), max_length=60, required=False)
    terms = forms.BooleanField(
        label=_("Terms"), error_messages={"required": _("Please read the terms and tick the box to carry on.")}
    )

    def __init__(self, *args: Any, signed_in: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if signed_in:
            del self.fields["email"]

    def clean_email(self) -> str:
        return normalise_address(self.cleaned_data["email"])

    def details(self, *, email: str) -> Details:
        """The clean values as ``place`` takes them; ``email`` is the account's when signed in."""
        typed = self.cleaned_data
        return Details(
            email=email or typed["email"], name=typed["name"], company=typed["company"], tax_id=typed["tax_id"]
        )


class AddressForm(forms.Form):
    """The right spelling of a mistyped address."""

    email = forms.EmailField(
        label=_("Your e-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )

    def clean_email(self) -> str:
        return normalise_address(self.cleaned_data["email"])


class RedeemForm(forms.Form):
    """A code on its own."""

    coupon = forms.CharField(
        label=_("Your code"), max_length=200,
        help_text=_("Capitals, spaces and dashes do not matter."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
        error_messages={"required": _("Enter the code that you were given.")},
    )  # fmt: skip
