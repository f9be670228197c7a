"""What a public page weighs on the wire, without fonts, pictures and video (architecture.md 8)."""

import gzip
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

from tests.factories import BundleFactory, CourseFactory, LessonFactory, VideoLessonFactory

pytestmark = pytest.mark.django_db

BUDGET = 30 * 1024


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/courses/",
        "/courses/calm/",
        "/courses/both/",
        "/courses/calm/preview/film/",
        "/search/?q=course",
        "/nowhere/",
    ],
)
def test_a_full_page_stays_within_thirty_kilobytes(client, address):
    calm = CourseFactory(slug="calm", position=1)
    section = calm.edition.sections.get()
    VideoLessonFactory(section=section, slug="film", position=3, is_preview=True)
    for number in range(40):
        LessonFactory(
            section=section, title=f"A lesson with a title of some length, number {number}", position=10 + number
        )
    courses = [
        CourseFactory(summary="One sentence for cards and search engines. " * 3, taught=False) for _ in range(30)
    ]
    BundleFactory(slug="both", courses=courses[:8])

    page = client.get(address).content

    linked = re.findall(r'(?:src|href)="/static/([^"]+\.(?:css|js))"', page.decode())
    files = [finders.find(name) for name in linked]
    assert {"site.css", "js/site.js"} <= set(linked)
    assert len(gzip.compress(page)) + sum(len(gzip.compress(Path(file).read_bytes())) for file in files) <= BUDGET
