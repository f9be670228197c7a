from io import BytesIO

import pytest
from django.core.files import File

from enrolments.ranges import CHUNK_BYTES, Part, PartOfFile, Unsatisfiable, part_asked_for


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-0", Part(0, 0)),
        ("bytes=0-99", Part(0, 99)),
        ("bytes=10-19", Part(10, 19)),
        ("bytes=10-", Part(10, 99)),
        ("bytes=99-", Part(99, 99)),
        ("bytes=90-1000", Part(90, 99)),
        ("bytes=-1", Part(99, 99)),
        ("bytes=-100", Part(0, 99)),
        ("bytes=-1000", Part(0, 99)),
        ("Bytes = 1-2", None),
        ("BYTES=1-2", Part(1, 2)),
        (" bytes= 1 - 2 ", Part(1, 2)),
    ],
)
def test_the_part_of_100_bytes_that_a_header_asks_for(header, part):
    assert part_asked_for(header, 100) == part


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5-4",
        "bytes=a-b",
        "bytes=0-1,5-9",
        "items=0-1",
        "bytes=1-2-3",
        "0-9",
        "bytes=" + "9" * 5000 + "-",
    ],
)
def test_what_is_no_single_part_counts_as_not_asked(header):
    assert part_asked_for(header, 100) is None


@pytest.mark.parametrize(
    ("header", "size"),
    [("bytes=100-", 100), ("bytes=100-200", 100), ("bytes=-0", 100), ("bytes=0-", 0), ("bytes=-5", 0)],
)
def test_a_part_without_a_single_byte_cannot_be_sent(header, size):
    with pytest.raises(Unsatisfiable):
        part_asked_for(header, size)


def test_a_part_is_read_in_pieces_and_ends_where_it_should():
    content = bytes(range(256)) * 1000

    pieces = list(PartOfFile(File(BytesIO(content)), Part(7, 200_000)))

    assert b"".join(pieces) == content[7:200_001]
    assert max(len(piece) for piece in pieces) == CHUNK_BYTES


def test_a_file_that_shrank_ends_early_instead_of_hanging():
    assert b"".join(PartOfFile(File(BytesIO(b"abc")), Part(1, 99))) == b"bc"
