"""What a person typed as a code, and the one form under which it is stored and looked up."""

import re
import unicodedata

# Letters and signs that people put between the parts of a code without meaning them.
_SEPARATORS = set("-._·•")
_KEY = re.compile(r"[A-Z0-9]{4,32}")


def code_key(typed: str) -> str | None:
    """``typed`` as stored: letters and digits in capitals, or None when it cannot be a code.

    ``" change-ways 70 "`` and ``CHANGEWAYS70`` are the same code. The test for ASCII comes before ``upper()``,
    which would turn ſ into S and ß into SS.
    """
    if len(typed) > 200:
        return None
    kept = [
        sign
        for sign in unicodedata.normalize("NFKC", typed)
        if not (sign.isspace() or sign in _SEPARATORS or unicodedata.category(sign) in {"Cf", "Pd"})
    ]
    if any(ord(sign) > 127 for sign in kept):
        return None
    key = "".join(kept).upper()
    return key if _KEY.fullmatch(key) else None
