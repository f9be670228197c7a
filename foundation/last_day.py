"""Staff think of the last day on which something holds; the database keeps the midnight after it."""

from datetime import date, datetime, time, timedelta

from django import forms
from django.contrib.admin.widgets import AdminDateWidget
from django.utils import timezone


def last_day_before(end: datetime) -> date:
    """The last day, in the active time zone, that has a moment before ``end``."""
    return timezone.localdate(end - timedelta(microseconds=1))


def midnight_after(day: date) -> datetime:
    """The first moment that is no longer ``day`` in the active time zone."""
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


class LastDayField(forms.DateField):
    """A date for a column that holds a half-open end: the day itself is still inside."""

    widget = AdminDateWidget

    def prepare_value(self, value: object) -> object:
        return last_day_before(value) if isinstance(value, datetime) else value

    def has_changed(self, initial: object, data: object) -> bool:
        return super().has_changed(self.prepare_value(initial), data)

    def clean(self, value: object) -> datetime | None:
        day = super().clean(value)
        return midnight_after(day) if day else None
