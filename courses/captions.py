"""WebVTT captions: read strictly, so that staff learn which line is wrong, and given out as cues for the transcript."""

import html
import re
from dataclasses import dataclass

_TIMING = re.compile(
    r"^(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})\s+-->\s+(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})(?:\s.*)?$"
)
_TAG = re.compile(r"<[^>]*>")


class BadCaptions(Exception):
    """The text is no WebVTT; the words name the line."""


@dataclass(frozen=True)
class Cue:
    """One caption: start and end in seconds, and its plain text."""

    starts: float
    ends: float
    text: str


def read_captions(text: str) -> list[Cue]:
    """The cues of a WebVTT file, in order.

    :raises BadCaptions: with the number of the line that is wrong.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not re.match(r"^WEBVTT(?:[ \t].*)?$", lines[0]):
        raise BadCaptions("Line 1: a captions file starts with the word WEBVTT.")

    cues: list[Cue] = []
    number = 1
    while number < len(lines):
        if not lines[number].strip():
            number += 1
            continue
        start = number
        while number < len(lines) and lines[number].strip():
            number += 1
        block = lines[start:number]
        if re.match(r"^(NOTE|STYLE|REGION)(\s|$)", block[0]) or (start == 1 and "-->" not in "".join(block)):
            continue
        cues.append(_cue(block, start + 1, cues))
    if not cues:
        raise BadCaptions("Line 1: there is no caption in this file.")
    return cues


def _cue(block: list[str], first_line: int, before: list[Cue]) -> Cue:
    at = 0 if "-->" in block[0] else 1
    if at >= len(block) or not (timing := _TIMING.match(block[at].strip())):
        raise BadCaptions(
            f"Line {first_line + min(at, len(block) - 1)}: expected a time such as 00:01.000 --> 00:04.000."
        )
    starts, ends = _seconds(timing.groups()[:4]), _seconds(timing.groups()[4:])
    if ends <= starts:
        raise BadCaptions(f"Line {first_line + at}: the caption ends before it starts.")
    if before and starts < before[-1].starts:
        raise BadCaptions(f"Line {first_line + at}: the caption starts before the one above it.")
    text = html.unescape(_TAG.sub("", " ".join(line.strip() for line in block[at + 1 :])))
    if not text.strip():
        raise BadCaptions(f"Line {first_line + at}: the caption has no text.")
    return Cue(starts, ends, text.strip())


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, thousandths = (int(part or 0) for part in parts)
    return hours * 3600 + minutes * 60 + seconds + thousandths / 1000
