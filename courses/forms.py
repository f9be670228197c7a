"""Forms of the staff's side of the catalogue."""

from django import forms
from django.utils.translation import gettext_lazy as _

from courses.models import Offer
from foundation.last_day import LastDayField


class LinesField(forms.CharField):
    """A list of sentences, written one on a line."""

    widget = forms.Textarea

    def prepare_value(self, value: object) -> object:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: object) -> list[str]:
        return [line.strip() for line in (super().clean(value) or "").splitlines() if line.strip()]

    def has_changed(self, initial: object, data: object) -> bool:
        return (initial or []) != self.clean(data)


class EditionForm(forms.ModelForm):
    objectives = LinesField(
        required=False, help_text=_("What people can do afterwards. One sentence on a line, beginning with a verb.")
    )
    references = LinesField(required=False, help_text=_("One reference on a line, in the order shown."))


class OfferForm(forms.ModelForm):
    sale_ends_at = LastDayField(
        label=_("last day of the sale"),
        required=False,
        help_text=_("The list price is back at the midnight after it, by itself. Empty: no end."),
    )


class CourseForm(OfferForm):
    def clean_status(self) -> str:
        status = self.cleaned_data["status"]
        if status == Offer.Status.PUBLISHED and self.instance.edition_id is None:
            raise forms.ValidationError(
                _("There is nothing to learn in it yet. Publish an edition first (Editions, action “Publish”).")
            )
        return status
