"""Ids that look like Stripe's."""

import secrets
import string

LETTERS = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    """An id that nobody can guess, such as ``re_`` and 24 letters and digits."""
    return prefix + "".join(secrets.choice(LETTERS) for _ in range(length))
