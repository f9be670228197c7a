import threading
from datetime import UTC, datetime
from io import BytesIO

import pytest
import typst
from pypdf import PdfReader

from foundation.typesetting import MissingLetters, typeset

AT = datetime(2026, 5, 14, 12, tzinfo=UTC)


@pytest.fixture
def page(tmp_path):
    """A small paper that prints ``name``."""
    template = tmp_path / "page.typ"
    template.write_text(
        '#import "/templates/foundation/paper.typ": *\n#show: paper.with(title: "A page")\n#written(data.name)'
    )
    return template


def text_of(pdf: bytes) -> str:
    return PdfReader(BytesIO(pdf)).pages[0].extract_text().strip()


def test_equal_data_gives_equal_bytes(page):
    once = typeset(page, {"name": "Sam"}, at=AT)

    assert typeset(page, {"name": "Sam"}, at=AT) == once
    assert typeset(page, {"name": "Kim"}, at=AT) != once


def test_a_paper_is_tagged_titled_and_names_its_language(page):
    pdf = PdfReader(BytesIO(typeset(page, {"name": "Sam"}, at=AT)))

    assert pdf.metadata.title == "A page"
    assert pdf.metadata.creation_date == AT
    assert pdf.root_object["/Lang"] == "en"
    assert pdf.root_object["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in pdf.root_object
    assert b"pdfuaid:part" in pdf.xmp_metadata.stream.get_data()


@pytest.mark.parametrize(
    "name",
    ["Łukasz Żółć", "Çağrı İğneoğlu", "Ελένη", "Ірина", "#panic(\"x\") *bold* _it_ $x$ <script> \\ // @a", "Zoe\u0308 \u0007x"],
)  # fmt: skip
def test_names_are_printed_letter_for_letter(page, name):
    printed = text_of(typeset(page, {"name": name}, at=AT))

    assert printed == name.replace("e\u0308", "ë").replace("\u0007", "")


@pytest.mark.parametrize("name", ["Nguyễn Thị Hồng Đoàn", "محمد", "שרה"])
def test_stacked_and_right_to_left_letters_have_shapes(page, name):
    assert typeset(page, {"name": name}, at=AT)


def test_letters_without_a_shape_are_named_instead_of_boxed(page):
    with pytest.raises(MissingLetters) as missing:
        typeset(page, {"name": "Wáng 王\ue000"}, at=AT)

    assert missing.value.letters == {"王", "\ue000"}


def test_a_broken_template_fails_loudly(page):
    page.write_text("#nothing-of-this-name")

    with pytest.raises(typst.TypstError, match="unknown variable"):
        typeset(page, {}, at=AT)


def test_threads_do_not_mix_up_their_papers(page):
    papers = {}

    def work(name):
        for _ in range(5):
            papers.setdefault(name, set()).add(text_of(typeset(page, {"name": name}, at=AT)))

    threads = [threading.Thread(target=work, args=[f"Person {letter}"]) for letter in "ABCD"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert papers == {name: {name} for name in ["Person A", "Person B", "Person C", "Person D"]}
