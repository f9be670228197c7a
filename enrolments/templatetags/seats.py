"""What pages of lower apps show of a person's seats."""

from django import template
from django.template import Context
from django.utils import timezone

from courses.models import Course
from enrolments.access import open_enrolment_for

register = template.Library()


@register.inclusion_tag("enrolments/includes/seat.html", takes_context=True)
def seat(context: Context, course: Course) -> dict[str, object]:
    """ "You have a seat in this course": for those who have one open, else nothing. No query for visitors, else one."""
    request = context.get("request")
    user = getattr(request, "user", None)
    return {"course": course, "seat": user and open_enrolment_for(user, course, timezone.now())}
