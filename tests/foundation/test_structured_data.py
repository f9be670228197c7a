import json

import pytest

from foundation.structured_data import json_ld


@pytest.mark.parametrize(
    "text",
    ["</script><script>alert(1)</script>", "<!--", "Fish & chips", "line\u2028end", 'say "yes"', "\\u003C", "é"],
)
def test_no_text_ends_the_block_and_every_text_comes_back(text):
    block = json_ld({"name": text})

    inside = block.removeprefix('<script type="application/ld+json">').removesuffix("</script>")
    assert "<" not in inside
    assert json.loads(inside) == {"name": text}
