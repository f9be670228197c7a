"""Forms in our design: one field template gives labels, hints and errors the same shape on every page."""

from django import forms
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting

# Ticks have a look of their own; the parts of a multi-widget keep theirs, as the admin's calendar needs.
_WITHOUT_INPUT_CLASS = (
    forms.CheckboxInput, forms.RadioSelect, forms.CheckboxSelectMultiple, forms.FileInput, forms.MultiWidget,
)  # fmt: skip


class ClinicBoundField(BoundField):
    """A field whose text-like widgets carry the design's ``input`` class."""

    def build_widget_attrs(self, attrs, widget=None):
        attrs = super().build_widget_attrs(attrs, widget)
        widget = widget or self.field.widget
        if not isinstance(widget, _WITHOUT_INPUT_CLASS):
            attrs["class"] = f"{widget.attrs.get('class', '')} input".strip()
        return attrs

    @property
    def is_check(self) -> bool:
        """A single tick box, whose label comes after it."""
        return isinstance(self.field.widget, forms.CheckboxInput)


class ClinicRenderer(TemplatesSetting):
    field_template_name = "foundation/field.html"
    form_template_name = "foundation/form.html"
    bound_field_class = ClinicBoundField
