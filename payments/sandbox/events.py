"""What happened, as Stripe's events tell it."""

from . import params
from .ids import new_id
from .listing import page_of
from .presenting import present
from .routing import Routes
from .store import BOUNDS, Books
from .wire import Params, no_such

API_VERSION = "2026-10-28.endive"

routes = Routes()


def record(books: Books, type_: str, object_: dict) -> dict:
    """Note that something happened to ``object_``, as it is now, and queue the webhook."""
    event = books.add(
        {
            "id": new_id("evt_"),
            "object": "event",
            "api_version": API_VERSION,
            "created": books.now,
            "data": {"object": present(books, object_)},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": books.cause.request, "idempotency_key": books.cause.idempotency_key},
            "type": type_,
        }
    )
    enqueue(books, event)
    books.events.append(event["id"])
    return event


def enqueue(books: Books, event: dict) -> None:
    plan, place = books.plan(event["type"]), books.place_of("event", event["id"]) or 0
    # Deliveries go out by rising position; the last to happen comes first when the order is turned around.
    position = -place if plan.order == "reversed" else place
    books.connection.execute(
        "INSERT INTO deliveries (event, state, copies, position, due_at) VALUES (?, ?, ?, ?, ?)",
        (event["id"], plan.state, plan.copies, position, books.now + plan.delay),
    )


@routes.get("/v1/events")
def list_events(books: Books, raw: Params) -> dict:
    given = params.EVENT_LIST("", raw)
    conditions, values = ["1"], []
    types = given.get("types", []) + ([given["type"]] if "type" in given else [])
    if types:
        # A trailing ".*" asks for a family, as in "charge.*".
        conditions.append("(" + " OR ".join(["json_extract(body, '$.type') GLOB ?"] * len(types)) + ")")
        values += [type_.replace("[", "[[]").replace("?", "[?]") for type_ in types]
    for bound, moment in given.get("created", {}).items():
        conditions.append(f"json_extract(body, '$.created') {BOUNDS[bound]} ?")
        values.append(moment)
    if "delivery_success" in given:
        negation = "" if given["delivery_success"] else "NOT"
        conditions.append(f"id {negation} IN (SELECT event FROM deliveries WHERE state = 'delivered')")
    return page_of(books, "event", "/v1/events", given, conditions, values)


@routes.get("/v1/events/{}")
def retrieve_event(books: Books, raw: Params, id_: str) -> dict:
    given = params.EXPAND_ONLY("", raw)
    event = books.get("event", id_)
    if not event:
        raise no_such("event", id_, param="id")
    return present(books, event, given.get("expand", ()))
