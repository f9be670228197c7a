"""What happens by itself as time passes."""

from . import charges, sessions
from .store import Books

SETTLES_AFTER = 60  # seconds until a charge has its balance transaction and fee; at Stripe up to an hour


def catch_up(books: Books) -> None:
    """Expire the sessions whose time is over and settle the charges that are old enough."""
    for session in books.find(
        "checkout.session",
        "json_extract(body, '$.status') = 'open' AND json_extract(body, '$.expires_at') <= ?",
        (books.now,),
        tail="ORDER BY seq",
    ):
        sessions.expire(books, session)
    for charge in books.find(
        "charge",
        "json_extract(body, '$.balance_transaction') IS NULL AND json_extract(body, '$.captured')"
        " AND json_extract(body, '$.created') <= ?",
        (books.now - SETTLES_AFTER,),
        tail="ORDER BY seq",
    ):
        charges.settle(books, charge)
