"""The one Stripe account that the sandbox keeps, without the HTTP around it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .answers import KeysInUse
from .failures import Failures
from .passing_time import catch_up
from .store import Books, Cause, Store
from .webhooks import Conduct, Postman, Target


class Account:
    """Holds the books, the webhook queue and what was ordered to go wrong."""

    def __init__(self, file: Path | str | None, target: Target, public_url: str):
        self.public_url = public_url
        self.target = target
        self.failures = Failures()
        self.keys_in_use = KeysInUse()
        self.conduct = Conduct()
        self.store = Store(file)
        self.postman = Postman(self.books, target)

    @contextmanager
    def books(self, cause: Cause | None = None) -> Iterator[Books]:
        """The account for one transaction, brought up to date; webhooks leave after it."""
        with self.store.transaction(
            public_url=self.public_url, cause=cause or Cause(), plan=self.conduct.plan
        ) as books:
            catch_up(books)
            yield books
        if books.events:
            self.postman.news.set()

    def reset(self) -> None:
        """Forget everything: objects, webhooks, keys, failures on order, the clock's advance."""
        self.failures.clear()
        self.conduct.behave()
        with self.books() as books:
            books.forget_everything()
