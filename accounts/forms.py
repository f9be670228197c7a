"""What people type about themselves. allauth's forms keep their rules and get our words."""

from allauth.account import forms as allauth_forms
from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User

PASSWORD_HINT = _("At least 10 characters. A short sentence works well.")


class _InOurWords:
    """Labels say what a field is; placeholders, which vanish while typing, do not."""

    words: dict[str, dict[str, object]] = {}

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():  # type: ignore[attr-defined]
            field.widget.attrs.pop("placeholder", None)
            for attribute, value in self.words.get(name, {}).items():
                setattr(field, attribute, value)


class RequestCodeForm(_InOurWords, allauth_forms.RequestLoginCodeForm):
    words = {"email": {"label": _("Email")}}

    @property
    def user(self) -> User | None:
        """Whose address it is, once the form is valid."""
        return self._user


class PasswordSignInForm(_InOurWords, allauth_forms.LoginForm):
    words = {"login": {"label": _("Email")}, "password": {"help_text": ""}}


class SignUpForm(_InOurWords, allauth_forms.SignupForm):
    legal_name = forms.CharField(
        label=_("Name"),
        max_length=120,
        required=False,
        help_text=_("As it should appear on certificates."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    field_order = ["legal_name", "email", "password1"]
    words = {
        "email": {"label": _("Email")},
        "password1": {
            "help_text": _(
                "At least 10 characters. Leave it empty if you would rather get a code by email each time you sign in."
            )
        },
    }

    def signup(self, request, user: User) -> None:
        user.legal_name = self.cleaned_data["legal_name"]
        user.save(update_fields=["legal_name"])


class _CodeForm(_InOurWords):
    words = {"code": {"label": _("Code"), "help_text": _("Six letters, such as BCD-FGH. Small letters will do.")}}

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs |= {  # type: ignore[attr-defined]
            "autocomplete": "one-time-code",
            "autocapitalize": "characters",
            "spellcheck": "false",
            "maxlength": "20",
        }


class SignInCodeForm(_CodeForm, allauth_forms.ConfirmLoginCodeForm):
    pass


class AddressCodeForm(_CodeForm, allauth_forms.ConfirmEmailVerificationCodeForm):
    pass


class ResetCodeForm(_CodeForm, allauth_forms.ConfirmPasswordResetCodeForm):
    pass


class ProofCodeForm(_CodeForm, allauth_forms.BaseConfirmCodeForm):
    pass


class ForgottenPasswordForm(_InOurWords, allauth_forms.ResetPasswordForm):
    words = {"email": {"label": _("Email")}}


class NewPasswordForm(_InOurWords, allauth_forms.ResetPasswordKeyForm):
    words = {
        "password1": {"label": _("New password"), "help_text": PASSWORD_HINT},
        "password2": {"label": _("New password, once more")},
    }


class FirstPasswordForm(_InOurWords, allauth_forms.SetPasswordForm):
    words = {
        "password1": {"label": _("Password"), "help_text": PASSWORD_HINT},
        "password2": {"label": _("Password, once more")},
    }


class ChangePasswordForm(_InOurWords, allauth_forms.ChangePasswordForm):
    words = {
        "oldpassword": {"label": _("Current password"), "help_text": ""},
        "password1": {"label": _("New password"), "help_text": PASSWORD_HINT},
        "password2": {"label": _("New password, once more")},
    }


class ChangeAddressForm(_InOurWords, allauth_forms.AddEmailForm):
    words = {"email": {"label": _("New email")}}


class ProvePasswordForm(_InOurWords, allauth_forms.ReauthenticateForm):
    words = {"password": {"help_text": ""}}


class ProfileForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ["legal_name", "display_name", "time_zone", "country", "province"]
        widgets = {
            "legal_name": forms.TextInput(attrs={"autocomplete": "name"}),
            "display_name": forms.TextInput(attrs={"autocomplete": "nickname"}),
            "country": forms.Select(attrs={"autocomplete": "country"}),
        }

    def clean(self) -> dict:
        cleaned = super().clean() or {}
        country, province = cleaned.get("country"), cleaned.get("province")
        if province and province.partition("-")[0] != country:
            self.add_error("province", _("This province or state is not in the country you chose."))
        return cleaned


class DeleteAccountForm(forms.Form):
    is_sure = forms.BooleanField(
        label=_("Delete my account"),
        help_text=_("I know that I lose access to my courses and that nobody can undo this."),
        error_messages={"required": _("Tick the box if you want this.")},
    )
