"""Money: whole cents and a currency code; the one place where it becomes words."""

from collections.abc import Sequence

CURRENCIES = [("usd", "US dollar"), ("cad", "Canadian dollar")]
SIGNS = {"usd": "US$", "cad": "CA$"}


def format_money(cents: int, currency: str = "usd") -> str:
    """``14000, "usd"`` as ``US$140.00``; a negative amount with a true minus sign in front."""
    sign = "\N{MINUS SIGN}" if cents < 0 else ""
    whole, rest = divmod(abs(cents), 100)
    return f"{sign}{SIGNS[currency]}{whole:,}.{rest:02}"


def format_decimal(cents: int) -> str:
    """``14000`` as ``140.00``, for machines."""
    return f"{cents // 100}.{cents % 100:02}"


def share_of(cents: int, basis_points: int) -> int:
    """``basis_points`` of ``cents``, rounded half up to the cent."""
    return (cents * basis_points * 2 + 10_000) // 20_000


def split(cents: int, weights: Sequence[int]) -> list[int]:
    """``cents`` parted in proportion to ``weights`` by largest remainder: the parts sum to ``cents`` exactly.

    Equal remainders go to the earlier part. All weights zero: parted evenly.
    """
    if not weights:
        return []
    if not any(weights):
        weights = [1] * len(weights)
    total = sum(weights)
    parts = [cents * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(cents * weights[i] % total), i))
    for i in by_remainder[: cents - sum(parts)]:
        parts[i] += 1
    return parts
