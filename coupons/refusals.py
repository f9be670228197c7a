"""Why a code does not count: a fixed set of reasons, each with its sentence for people."""

from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class Reason(models.TextChoices):
    """What programs read; page and API give the same. ``below_minimum`` is for a code with a smallest price."""

    UNKNOWN = "unknown", gettext_lazy("unknown")
    NOT_STARTED = "not_started", gettext_lazy("not started")
    EXPIRED = "expired", gettext_lazy("expired")
    EXHAUSTED = "exhausted", gettext_lazy("exhausted")
    USED_BY_YOU = "used_by_you", gettext_lazy("used by you")
    WRONG_COURSE = "wrong_course", gettext_lazy("wrong course")
    WRONG_PERSON = "wrong_person", gettext_lazy("wrong person")
    BELOW_MINIMUM = "below_minimum", gettext_lazy("below the smallest price")
    NOT_NEEDED = "not_needed", gettext_lazy("not needed")


@dataclass(frozen=True)
class Refusal:
    """A reason for programs and a sentence for people."""

    reason: Reason
    message: str


def refusal(reason: Reason, *, moment: datetime | None = None, money: str = "", anonymous: bool = False) -> Refusal:
    """The refusal for ``reason``; ``moment`` is when the code started or ended, ``money`` the smallest price."""
    day = formats.date_format(timezone.localtime(moment), "j F Y") if moment else ""
    sentences = {
        Reason.UNKNOWN: _("We do not know this code. Check the spelling, or carry on without it."),
        Reason.NOT_STARTED: _("This code works from %(day)s.") % {"day": day}
        if day
        else _("This code does not work yet."),
        Reason.EXPIRED: _("This code ended on %(day)s.") % {"day": day} if day else _("This code has ended."),
        Reason.EXHAUSTED: _("This code has been used up."),
        Reason.USED_BY_YOU: _("You have already used this code."),
        Reason.WRONG_COURSE: _("This code is for another course."),
        Reason.WRONG_PERSON: (
            _("This code is for particular people. Enter your e-mail address at checkout, or sign in, to use it.")
            if anonymous
            else _("This code is not for this e-mail address.")
        ),
        Reason.BELOW_MINIMUM: _("This code works from a price of %(money)s.") % {"money": money},
        Reason.NOT_NEEDED: _("You do not need this code: the price is already as low or lower without it."),
    }
    return Refusal(reason, sentences[reason])
