"""Which bytes of a file a browser asks for (RFC 9110, section 14): one part, or all of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.core.files import File

CHUNK_BYTES = 64 * 1024

# No file has a position of more digits, and Python reads no number of thousands.
_ONE_PART = re.compile(r"bytes=\s*([0-9]{0,18})\s*-\s*([0-9]{0,18})\s*", re.IGNORECASE)


class Unsatisfiable(Exception):
    """No byte of the part asked for exists."""


@dataclass(frozen=True)
class Part:
    """Bytes from ``first`` to ``last``, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


def part_asked_for(header: str, size: int) -> Part | None:
    """The part of ``size`` bytes that a ``Range`` header asks for; None means the whole file.

    Several parts, other units and nonsense count as not asked, which the standard allows.

    :raises Unsatisfiable: the part lies past the end, or is the last 0 bytes.
    """
    match = _ONE_PART.fullmatch(header.strip())
    if not match or match.groups() == ("", ""):
        return None
    first, last = (int(digits) if digits else None for digits in match.groups())
    if first is None:
        if not last or not size:
            raise Unsatisfiable
        return Part(max(0, size - last), size - 1)
    if last is not None and last < first:
        return None
    if first >= size:
        raise Unsatisfiable
    return Part(first, size - 1 if last is None else min(last, size - 1))


class PartOfFile:
    """The bytes of one part in pieces small enough to keep memory flat; whoever sends them closes the file."""

    def __init__(self, file: File, part: Part) -> None:
        self.file, self.part = file, part

    def __iter__(self) -> Iterator[bytes]:
        self.file.seek(self.part.first)
        left = self.part.length
        while left and (piece := self.file.read(min(CHUNK_BYTES, left))):
            left -= len(piece)
            yield piece

    def close(self) -> None:
        self.file.close()
