"""Lists as Stripe pages through them: newest first, cursors by id."""

from .presenting import present
from .store import BOUNDS, Books
from .wire import no_such


def list_objects(books: Books, kind: str, url: str, given: dict, *, where: dict | None = None) -> dict:
    """One page of a kind's objects.

    ``where`` maps a field's path inside the object to the value it must have; ``created``,
    ``limit``, cursors and ``expand`` come from the accepted parameters.
    """
    conditions, values = ["1"], []
    for path, value in (where or {}).items():
        if value is not None:
            conditions.append(f"json_extract(body, '$.{path}') = ?")
            values.append(value)
    for bound, moment in given.get("created", {}).items():
        conditions.append(f"json_extract(body, '$.created') {BOUNDS[bound]} ?")
        values.append(moment)
    return page_of(books, kind, url, given, conditions, values)


def page_of(books: Books, kind: str, url: str, given: dict, conditions: list[str], values: list) -> dict:
    """One page of the objects for which all SQL conditions hold."""
    limit = given.get("limit", 10)
    is_backwards = "ending_before" in given
    for cursor, comparison in (("starting_after", "<"), ("ending_before", ">")):
        if cursor in given:
            place = books.place_of(kind, given[cursor])
            if place is None:
                raise no_such(kind, given[cursor], param=cursor, status=400)
            conditions = [*conditions, f"seq {comparison} ?"]
            values = [*values, place]

    order = "ASC" if is_backwards else "DESC"
    rows = books.find(kind, " AND ".join(conditions), tuple(values), tail=f"ORDER BY seq {order} LIMIT {limit + 1}")
    has_more, rows = len(rows) > limit, rows[:limit]
    if is_backwards:
        rows.reverse()
    return present(books, as_list(rows, url, has_more=has_more), given.get("expand", ()))


def as_list(rows: list[dict], url: str, *, has_more: bool = False) -> dict:
    return {"object": "list", "data": rows, "has_more": has_more, "url": url}
