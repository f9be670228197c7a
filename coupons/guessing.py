"""Guessing codes is slowed down per person and per network; the site as a whole only raises an alarm."""

import logging
from datetime import datetime

from coupons.refusals import Reason, Refusal
from foundation import throttle
from foundation.throttle import Limit, TooManyFailures

logger = logging.getLogger(__name__)

WRONG_CODES = Limit("code", count=10, minutes=10)
# Beyond this somebody is at work with many networks. Refusing codes to everybody would do their job for them.
SITE_WIDE_ALARM = Limit("code-site", count=500, minutes=10)


def check(*who: str, at: datetime) -> None:
    """:raises TooManyFailures: one of ``who`` (account, network) named too many unknown codes. One query."""
    throttle.check(WRONG_CODES, *who, at=at)


def notice(refused: Refusal | None, *who: str, at: datetime) -> None:
    """Count an unknown code against ``who``; other refusals are no guesses."""
    if refused is None or refused.reason != Reason.UNKNOWN:
        return
    throttle.record(WRONG_CODES, *who, at=at)
    throttle.record(SITE_WIDE_ALARM, "site", at=at)
    try:
        throttle.check(SITE_WIDE_ALARM, "site", at=at)
    except TooManyFailures:
        logger.error("More than %d unknown codes in %d minutes.", SITE_WIDE_ALARM.count, SITE_WIDE_ALARM.minutes)
