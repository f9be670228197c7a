"""A shared cache that may be away: the site then renders what it would have looked up."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError as RedisIsAway
from redis.exceptions import TimeoutError as RedisIsSlow

logger = logging.getLogger(__name__)


class ForgivingRedisCache(RedisCache):
    """Redis, except that nothing is found in it while it cannot be reached. Counters and locks do not belong here."""

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._or(default, super().get, key, default, version=version)

    def get_many(self, keys: Any, version: int | None = None) -> dict:
        return self._or({}, super().get_many, keys, version=version)

    def set(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> None:
        self._or(None, super().set, key, value, *args, **kwargs)

    def add(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> bool:
        return self._or(False, super().add, key, value, *args, **kwargs)

    def delete(self, key: Any, version: int | None = None) -> bool:
        return self._or(False, super().delete, key, version=version)

    def _or[T](self, instead: T, ask: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        try:
            return ask(*args, **kwargs)
        except (RedisIsAway, RedisIsSlow) as error:
            logger.warning("The cache cannot be reached: %s", error)
            return instead
