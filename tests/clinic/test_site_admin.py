"""The clinic's own rows as staff edit them."""

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic.models import Page
from foundation.acts import log_act
from foundation.models import ClinicIdentity, CrisisLine, StaffAct
from tests.factories import StaffFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client):
    client.staff = StaffFactory()
    client.force_login(client.staff)
    return client


@pytest.fixture
def identity():
    return ClinicIdentity.objects.create(
        name="Larkwater", legal_name="Larkwater Inc.", address="-", email="a@b.example", care_notice="-"
    )


def test_the_identity_is_edited_and_never_a_second_one_made(staff, identity):
    assert staff.get(reverse("admin:foundation_clinicidentity_change", args=[identity.pk])).status_code == 200
    assert staff.get(reverse("admin:foundation_clinicidentity_add")).status_code == 403
    assert staff.get(reverse("admin:foundation_clinicidentity_delete", args=[identity.pk])).status_code == 403


def test_before_there_is_an_identity_one_can_be_made(staff):
    assert staff.get(reverse("admin:foundation_clinicidentity_add")).status_code == 200


def test_crisis_lines_and_pages_open(staff):
    line = CrisisLine.objects.create(label="988", text="Day and night.")
    page = Page.objects.create(slug="terms", title="Terms")

    for row in (line, page):
        name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
        assert staff.get(reverse(f"{name}_changelist")).status_code == 200
        assert staff.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200


@pytest.mark.parametrize("deed", ["add", "change", "delete"])
def test_nobody_edits_the_log_of_what_staff_did(staff, identity, deed):
    act = log_act(by=staff.staff, deed="greeted", subject=identity, reason="politeness", at=timezone.now())
    args = [] if deed == "add" else [act.pk]

    response = staff.post(reverse(f"admin:foundation_staffact_{deed}", args=args), {"deed": "nothing", "post": "yes"})

    assert response.status_code == 403
    assert StaffAct.objects.get().deed == "greeted"
    assert "politeness" in staff.get(reverse("admin:foundation_staffact_changelist")).content.decode()
