"""Who is buying, as far as a price depends on it."""

from dataclasses import dataclass, field

from accounts.models import User, address_key


def buyer_key(*, user: User | None = None, address: str = "") -> str:
    """The account's id where there is one, else a hash of the address; empty for somebody not known yet."""
    if user is not None:
        return f"user:{user.pk}"
    return f"mail:{address_key(address)}" if address else ""


@dataclass(frozen=True)
class Buyer:
    """Somebody who looks at a price. All empty: a visitor of whom nothing is known yet."""

    key: str = ""
    email: str = ""
    owned_courses: frozenset[int] = field(default_factory=frozenset)
    has_bought: bool = False
    # Claims that this buyer's own unpaid order for the same offer holds: a retry never competes with itself.
    holding: frozenset[int] = field(default_factory=frozenset)


VISITOR = Buyer()
