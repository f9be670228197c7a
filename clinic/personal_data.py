"""All that the site keeps about one person. Each app says in its ``personal_data.py`` what it has and how it forgets."""

import io
import json
import zipfile
from datetime import date, datetime
from importlib import import_module
from types import ModuleType

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.module_loading import module_has_submodule

from accounts.models import User
from payments.models import Order

# How long tax law wants papers about money kept, in years.
YEARS_RECEIPTS_ARE_KEPT = 7


class StaffStay(Exception):
    """An account that runs the site is not deleted by a click of its own."""


def collect(user: User) -> dict[str, dict[str, list[dict]]]:
    """What every app keeps about ``user``: app, then kind, then rows. Apps that keep nothing are left out."""
    collected = {app: module.export(user) for app, module in _apps_with_personal_data()}
    return {app: kinds for app, kinds in collected.items() if any(kinds.values())}


def as_zip(user: User, *, at: datetime) -> bytes:
    """``collect`` as a ZIP: one JSON file for each app, and a page that shows the same to people."""
    collected = collect(user)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for app, kinds in collected.items():
            words = json.dumps(kinds, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False)
            archive.writestr(_dated(f"{app}.json", at), words)
        page = render_to_string("accounts/personal_data.html", {"person": user, "apps": _shown(collected), "at": at})
        archive.writestr(_dated("index.html", at), page)
    return packed.getvalue()


def erase(user: User, *, at: datetime) -> None:
    """Forget ``user`` in every app, in one transaction.

    :raises StaffStay: the account belongs to staff.
    """
    if user.is_staff:
        raise StaffStay
    with transaction.atomic():
        for app, module in _apps_with_personal_data():
            # The account goes last: the other apps know their rows by its address.
            if app != "accounts":
                module.erase(user, at=at)
        import_module("accounts.personal_data").erase(user, at=at)


def papers_kept_until(user: User) -> date | None:
    """The day on which the last paper about this person's money may go; None when there is none."""
    newest = Order.objects.filter(buyer=user, paid_at__isnull=False).order_by("-paid_at").first()
    if newest is None or newest.paid_at is None:
        return None
    paid_on = timezone.localdate(newest.paid_at)
    try:
        return paid_on.replace(year=paid_on.year + YEARS_RECEIPTS_ARE_KEPT)
    except ValueError:  # 29 February
        return date(paid_on.year + YEARS_RECEIPTS_ARE_KEPT, 3, 1)


def _apps_with_personal_data() -> list[tuple[str, ModuleType]]:
    """From the top app to the lowest, as INSTALLED_APPS lists them; this module is no app's."""
    return [
        (config.label, import_module(f"{config.name}.personal_data"))
        for config in apps.get_app_configs()
        if config.name != "clinic" and config.module and module_has_submodule(config.module, "personal_data")
    ]


def _dated(name: str, at: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, timezone.localtime(at).timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _shown(collected: dict[str, dict[str, list[dict]]]) -> list[dict]:
    """The same as titles and tables of label and value."""
    return [
        {
            "name": apps.get_app_config(app).verbose_name,
            "kinds": [
                {
                    "name": kind.replace("_", " ").capitalize(),
                    "rows": [[(label.replace("_", " "), value) for label, value in row.items()] for row in rows],
                }
                for kind, rows in kinds.items()
                if rows
            ],
        }
        for app, kinds in collected.items()
    ]
