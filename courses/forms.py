"""Forms of the staff's side of the catalogue."""

from datetime import datetime

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

    def clean_sale_ends_at(self) -> datetime | None:
        """A sale that ends at some hour keeps it when the day in the form was left as it was."""
        if "sale_ends_at" in self.changed_data:
            return self.cleaned_data["sale_ends_at"]
        return self.instance.sale_ends_at


class CourseForm(OfferForm):
    def clean_status(self) -> str:
        status = self.cleaned_data["status"]
        if status == Offer.Status.PUBLISHED and self.instance.edition_id is None:
            raise forms.ValidationError(
                _("There is nothing to learn in it yet. Publish an edition first (Editions, action “Publish”).")
            )
        return status


class BundledCourseFormSet(forms.BaseInlineFormSet):
    """The courses of a bundle; one that the public sees has at least two."""

    def clean(self) -> None:
        super().clean()
        kept = [form for form in self.forms if form.cleaned_data.get("course") and not form.cleaned_data.get("DELETE")]
        if self.instance.status == Offer.Status.PUBLISHED and len(kept) < 2:
            raise forms.ValidationError(_("A bundle is several courses: add at least two before you publish it."))
