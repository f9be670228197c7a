"""Objects as an answer shows them: fields that depend on the moment, and what ``expand`` asks for."""

from collections.abc import Iterable

from .store import Books
from .wire import Refused

# Kind of object -> field -> kind of what the field points at.
EXPANDABLE = {
    "checkout.session": {"payment_intent": "payment_intent", "line_items": "list of item"},
    "payment_intent": {"latest_charge": "charge"},
    "charge": {
        "balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
        "refunds": "list of refund",
    },
    "refund": {"balance_transaction": "balance_transaction", "charge": "charge", "payment_intent": "payment_intent"},
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "balance_transaction": {},
    "event": {},
    "item": {},
}


def present(books: Books, object_: dict, expand: Iterable[str] = ()) -> dict:
    """``object_`` with the fields named by ``expand`` replaced by what they point at.

    :raises Refused: a path names a field that cannot be expanded.
    """
    paths = [path.split(".") for path in expand]
    for path in paths:
        if len(path) > 4:
            raise Refused(f"You cannot expand more than 4 levels of a property. Property: {'.'.join(path)}")
    if object_["object"] == "list":
        return {**object_, "data": [show(books, one, inside_list(paths)) for one in object_["data"]]}
    return show(books, object_, paths)


def inside_list(paths: list[list[str]]) -> list[list[str]]:
    for path in paths:
        if path[0] != "data" or len(path) == 1:
            raise not_expandable(path)
    return [path[1:] for path in paths]


def show(books: Books, object_: dict, paths: list[list[str]]) -> dict:
    shown = of_the_moment(books, object_)
    for name in dict.fromkeys(path[0] for path in paths):
        deeper = [path[1:] for path in paths if path[0] == name and len(path) > 1]
        shown[name] = expanded(books, object_, name, deeper)
    return shown


def expanded(books: Books, object_: dict, name: str, deeper: list[list[str]]) -> dict | None:
    target = EXPANDABLE[object_["object"]].get(name)
    if target is None:
        raise not_expandable([name])
    check_paths(target, deeper)
    if target.startswith("list of "):
        return sublist(books, object_, name, inside_list(deeper))
    pointed_at = books.get(target, object_[name])
    return show(books, pointed_at, deeper) if pointed_at else None


def check_paths(kind: str, paths: list[list[str]]) -> None:
    # Asked of the kinds, not of the objects: a wrong path is refused even where there is nothing to expand yet.
    if kind.startswith("list of "):
        kind, paths = kind.removeprefix("list of "), inside_list(paths)
    for path in paths:
        if path[0] not in EXPANDABLE[kind]:
            raise not_expandable(path)
        if path[1:]:
            check_paths(EXPANDABLE[kind][path[0]], [path[1:]])


def sublist(books: Books, object_: dict, name: str, paths: list[list[str]]) -> dict:
    if name == "line_items":
        rows, url = books.aside(object_["id"])["line_items"], f"/v1/checkout/sessions/{object_['id']}/line_items"
    else:
        rows = books.find("refund", "json_extract(body, '$.charge') = ?", (object_["id"],))
        url = f"/v1/charges/{object_['id']}/refunds"
    return {
        "object": "list",
        "data": [show(books, row, paths) for row in rows[:10]],
        "has_more": len(rows) > 10,
        "url": url,
    }


def of_the_moment(books: Books, object_: dict) -> dict:
    if object_["object"] == "checkout.session":
        is_open = object_["status"] == "open"
        return {**object_, "url": f"{books.public_url}/c/pay/{object_['id']}" if is_open else None}
    if object_["object"] == "event":
        return {**object_, "pending_webhooks": 0 if is_delivered(books, object_["id"]) else 1}
    return dict(object_)


def is_delivered(books: Books, event_id: str) -> bool:
    row = books.connection.execute("SELECT state FROM deliveries WHERE event = ?", (event_id,)).fetchone()
    return row is not None and row["state"] == "delivered"


def not_expandable(path: list[str]) -> Refused:
    return Refused(f"This property cannot be expanded ({'.'.join(path)}).", param="expand")
