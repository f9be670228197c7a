from typing import Any

from django import template

from payments import receipt_paper
from payments.models import Receipt

register = template.Library()


@register.filter
def words(receipt: Receipt) -> dict[str, Any]:
    """The frozen values of ``receipt``, put as its PDF puts them. No query."""
    return receipt_paper.words_of(receipt)
