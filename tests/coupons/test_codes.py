import pytest

from coupons.codes import code_key


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("changeways70", "CHANGEWAYS70"),
        ("ChangeWays70", "CHANGEWAYS70"),
        ("  change ways 70 ", "CHANGEWAYS70"),
        ("CHANGE-WAYS–70", "CHANGEWAYS70"),  # a hyphen and an en dash
        ("chan\u200bgeways70", "CHANGEWAYS70"),  # a zero-width space from a mail
        ("ｃｈａｎｇｅｗａｙｓ７０", "CHANGEWAYS70"),  # full-width letters
        ("abc", None),  # too short
        ("a" * 33, None),
        ("", None),
        ("chаngeways70", None),  # a Cyrillic а
        ("maſsage70", "MASSAGE70"),  # NFKC makes the long s a plain s before the test for ASCII
        ("straße70", None),
        ("codeı123", None),  # a dotless i
        ("code'; drop", None),
        ("x" * 300, None),
    ],
)
def test_a_typed_code_becomes_one_key(typed, key):
    assert code_key(typed) == key
