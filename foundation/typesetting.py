"""Papers (receipts, certificates) as PDF: tagged for screen readers (PDF/UA-1), made to last (PDF/A-2a), and the same
bytes every time.

A template is a Typst file under templates/ and starts with ``#import "/templates/foundation/paper.typ": *``. What
people typed reaches it as data, never as markup. No network, no fonts of the machine.
"""

import json
import re
import threading
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import typst
from django.conf import settings

_FONTS = Path(__file__).resolve().parent / "fonts"
_MISSING = re.compile(r'the text `"(.*?)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")

# A compiler refuses a second thread while it works; the fonts are read once for all.
_of_this_thread = threading.local()
_fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[_FONTS])


class MissingLetters(Exception):
    """Our fonts have no shape for some letters, and boxes in their place would be a lie; ``letters`` holds them."""

    def __init__(self, letters: set[str]) -> None:
        super().__init__(f"The fonts of our papers lack these letters: {' '.join(sorted(letters))}")
        self.letters = letters


def typeset(
    template: Path, data: Mapping[str, Any], *, at: datetime, drawings: Mapping[str, str] | None = None
) -> bytes:
    """The PDF that ``template`` makes of ``data`` (what JSON can hold), dated ``at``; equal input gives equal bytes.

    The template finds the data as ``data`` and each SVG of ``drawings`` under its name in ``sys.inputs``.

    :raises MissingLetters: the data holds letters that no font of ours can show.
    """
    inputs = {"data": json.dumps(_plain(data), ensure_ascii=False), **(drawings or {})}
    try:
        paper = _compiler().compile(
            input=template.read_bytes(),
            format="pdf",
            sys_inputs=inputs,
            pdf_standards=["a-2a", "ua-1"],
            timestamp=int(at.timestamp()),
        )
    except typst.TypstError as error:
        if letters := _missing_letters(error):
            raise MissingLetters(letters) from error
        raise
    assert isinstance(paper, bytes)
    return paper


def _compiler() -> typst.Compiler:
    if not hasattr(_of_this_thread, "compiler"):
        _of_this_thread.compiler = typst.Compiler(root=settings.BASE_DIR, font_paths=_fonts, ignore_system_fonts=True)
    return _of_this_thread.compiler


def _plain(value: Any) -> Any:
    """``value`` with every text in its composed form and without control signs, for which no font has a shape."""
    if isinstance(value, str):
        composed = unicodedata.normalize("NFC", value)
        return "".join(sign for sign in composed if sign == "\n" or unicodedata.category(sign) not in {"Cc", "Cs"})
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _missing_letters(error: typst.TypstError) -> set[str]:
    """The letters that the compiler names; it writes unusual ones as escapes."""
    told = "".join(_MISSING.findall(f"{error.message}\n{error.diagnostic}"))
    return set(_ESCAPED.sub(lambda escape: chr(int(escape[1], 16)), told))
