"""A stand-in for Stripe's API and payment page, for demonstrations and tests. No money moves.

Uses nothing but the standard library and knows nothing of the shop that talks to it.
"""

from .sandbox import Sandbox

__all__ = ["Sandbox"]
