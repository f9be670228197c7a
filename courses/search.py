"""Full-text search of the catalogue: SQLite's FTS5 or PostgreSQL, through modelsearch."""

import re

from django.db.models import Model
from django.db.models.signals import m2m_changed, post_save
from modelsearch.index import insert_or_update_object
from modelsearch.queryset import SearchableQuerySetMixin

from courses.models import BundledCourse, Course, Offer, Topic

LONGEST_QUERY = 100


def clean_query(text: str) -> str:
    """``text`` as it may be shown and searched: one line, no control characters, not longer than anybody types."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:LONGEST_QUERY]


def matching(query: str, rows: SearchableQuerySetMixin) -> list[int]:
    """Keys of the ``rows`` that hold the words of ``query``; the last word may be a beginning. Two queries.

    Rows with all words in their title come first, since SQLite's ranking knows no columns; then the engine's order.
    """
    words = re.findall(r"\w+", query.lower())
    if not words:
        return []
    asked = " ".join(words)
    found = {row.pk: row for row in [*rows.search(asked), *rows.autocomplete(asked)]}
    return sorted(found, key=lambda key: not all(word in found[key].title.lower() for word in words))


def reindex(offer: Offer) -> None:
    """Let searches find ``offer`` by what it says now; saving a course or bundle does so by itself."""
    insert_or_update_object(type(offer)._default_manager.get(pk=offer.pk))


def keep_index_fresh() -> None:
    """Reindex offers when what they are found by is changed elsewhere than on their own row."""
    m2m_changed.connect(_topics_changed, sender=Course.topics.through)
    post_save.connect(_topic_saved, sender=Topic)
    post_save.connect(_bundled, sender=BundledCourse)


def _topics_changed(instance: Model, action: str, **kwargs: object) -> None:
    if isinstance(instance, Course) and action.startswith("post_"):
        reindex(instance)


def _topic_saved(instance: Topic, created: bool, **kwargs: object) -> None:
    if not created:
        for course in instance.courses.all():
            reindex(course)


def _bundled(instance: BundledCourse, **kwargs: object) -> None:
    reindex(instance.bundle)
