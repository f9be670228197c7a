"""Finding courses by words, on SQLite and PostgreSQL alike."""

import pytest

from courses.models import Offer
from courses.search import LONGEST_QUERY, clean_query, matching
from tests.factories import BundleFactory, CourseFactory, TopicFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def courses():
    group = CourseFactory(title="Group Treatment of Depression", summary="Lead a ten-session group.")
    breathing = CourseFactory(title="Breathing Made Easy", summary="Slow, comfortable breathing.")
    breathing.topics.add(TopicFactory(slug="stress", name="Stress and the body"))
    bundle = BundleFactory(title="Starter Set", summary="Begin here.", courses=[breathing])
    return {"group": group.pk, "breathing": breathing.pk, "bundle": bundle.pk}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("treatment", {"group"}),
        ("treat", {"group"}),
        ("TREATMENT", {"group"}),
        ("depression treatment", {"group"}),
        ("depression breathing", set()),
        ("breath", {"breathing", "bundle"}),
        ("stress", {"breathing"}),
        ("welcome", {"group", "breathing"}),
        ("helps", {"group", "breathing"}),
        ("starter", {"bundle"}),
        ("nothing", set()),
    ],
    ids=[
        "a word",
        "its beginning",
        "in capitals",
        "two words in any order",
        "words of two courses",
        "a bundle by its courses",
        "a topic",
        "a lesson",
        "an objective",
        "a bundle",
        "unknown",
    ],
)
def test_words_find_offers(courses, query, found):
    keys = {name for name, key in courses.items() if key in matching(query, Offer.objects.all())}

    assert keys == found


def test_the_title_counts_most():
    mentioned = CourseFactory(title="Resting", summary="About breathing, breathing and breathing.")
    titled = CourseFactory(title="Breathing", summary="Slow.")

    assert matching("breathing", Offer.objects.all()) == [titled.pk, mentioned.pk]


@pytest.mark.parametrize(
    "query",
    [
        '"', "'", '"treatment', "treatment*", "NOT treatment", "AND", "OR OR", "NEAR(a b)", "title:treatment", "-treatment",
        "(", ")", "{}", "^", "%", "%s", "\\", "a & b | !c", ":*", "<->", "treatment; DROP TABLE courses_offer", "\x00", "☃",
        "é" * 500, " ".join(["word"] * 200), "_", "''''", "<script>alert(1)</script>",
    ],
)  # fmt: skip
def test_no_query_is_an_error(client, courses, query):
    for address in ("/courses/", "/search/"):
        response = client.get(address, {"q": query})

        assert response.status_code == 200
        assert b"<script>alert" not in response.content


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        ("  two   words ", "two words"),
        ("a\x00b\nc", "a b c"),
        ("x" * 200, "x" * LONGEST_QUERY),
        ("", ""),
    ],
)
def test_a_query_is_one_short_line(typed, clean):
    assert clean_query(typed) == clean


def test_a_topic_given_later_or_renamed_is_found():
    course = CourseFactory(title="Calm")
    topic = TopicFactory(name="Panic")

    course.topics.add(topic)
    assert matching("panic", Offer.objects.all()) == [course.pk]

    topic.name = "Worry"
    topic.save()
    assert matching("worry", Offer.objects.all()) == [course.pk]
    assert matching("panic", Offer.objects.all()) == []
