import pytest

from courses.bundles import price_of_bundle, shares_of
from courses.models import Bundle, Course, Price
from tests.factories import NOON


def course(price: int, sale: int | None = None) -> Course:
    return Course(price_cents=price, sale_price_cents=sale)


@pytest.mark.parametrize(
    ("bundle", "courses", "shares"),
    [
        (Bundle(price_cents=135_00), [course(20_00), course(20_00), course(140_00)], [15_00, 15_00, 105_00]),
        (Bundle(price_cents=100), [course(100), course(100), course(100)], [34, 33, 33]),
        (Bundle(price_cents=100_00), [course(20_00), course(30_00)], [20_00, 30_00]),
        (Bundle(price_cents=30_00), [course(20_00, sale=5_00), course(20_00)], [5_00, 15_00]),
        (Bundle(price_cents=30_00, sale_price_cents=20_00), [course(20_00), course(20_00)], [10_00, 10_00]),
        (Bundle(price_cents=0), [course(20_00)], [0]),
        (Bundle(price_cents=10_00), [], []),
    ],
    ids=[
        "by list price",
        "to the cent",
        "never above the list price",
        "never above today's price",
        "on sale itself",
        "free",
        "empty",
    ],
)
def test_a_bundle_is_parted_among_its_courses(bundle, courses, shares):
    assert [share.cents for share in shares_of(bundle, courses, at=NOON)] == shares


def test_the_price_of_a_bundle_is_the_sum_of_its_shares():
    courses = [course(20_00, sale=5_00), course(20_00)]

    assert price_of_bundle(Bundle(price_cents=30_00), courses, at=NOON) == Price(30_00, 20_00)
