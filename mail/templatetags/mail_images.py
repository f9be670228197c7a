"""Pictures of mails: they are fetched from the site, whenever the mail is read."""

import logging

from django import template
from django.conf import settings
from django.templatetags.static import static

logger = logging.getLogger(__name__)
register = template.Library()


@register.simple_tag
def mail_image(name: str) -> str:
    """The absolute address of a static picture.

    Mails are written where people pay. A picture that ``collectstatic`` did not find must not undo that, so it gets
    its plain address, which may lead nowhere.
    """
    try:
        return settings.SITE_URL + static(name)
    except ValueError:
        logger.exception("No static file %s: run collectstatic.", name)
        return f"{settings.SITE_URL}{settings.STATIC_URL}{name}"
