"""Which function answers which address."""

import re
from collections.abc import Callable


class Routes:
    """Functions by method and path. ``{}`` in a path stands for an id, handed to the function."""

    def __init__(self):
        self.routes: list[tuple[str, re.Pattern, Callable]] = []

    def get(self, path: str) -> Callable:
        return self.on("GET", path)

    def post(self, path: str) -> Callable:
        return self.on("POST", path)

    def on(self, method: str, path: str) -> Callable:
        pattern = re.compile(re.escape(path).replace(r"\{\}", r"([A-Za-z0-9_]{1,200})"))

        def remember(function: Callable) -> Callable:
            self.routes.append((method, pattern, function))
            return function

        return remember

    def include(self, other: "Routes") -> None:
        self.routes += other.routes

    def find(self, method: str, path: str) -> tuple[Callable, tuple[str, ...]] | None:
        for known, pattern, function in self.routes:
            if known == method and (match := pattern.fullmatch(path)):
                return function, match.groups()
        return None

    def knows(self, path: str) -> bool:
        """Whether the path exists under any method."""
        return any(pattern.fullmatch(path) for _, pattern, _ in self.routes)
