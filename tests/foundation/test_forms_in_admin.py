import pytest
from django.urls import reverse

from tests.factories import CourseFactory, StaffFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("door", ["coupon", "course"])
def test_dates_in_the_admin_keep_the_classes_by_which_it_finds_its_calendar(client, door):
    client.force_login(StaffFactory())
    address = (
        reverse("admin:coupons_coupon_add")
        if door == "coupon"
        else reverse("admin:courses_course_change", args=[CourseFactory().pk])
    )

    html = client.get(address).content.decode()

    assert "vDateField" in html
    assert "vTimeField" in html
