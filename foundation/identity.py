"""Who runs this site: read on every page, so kept in the cache until a page-changing edit."""

from django.core.cache import cache

from foundation.models import ClinicIdentity, CrisisLine
from foundation.page_cache import generation


def clinic_identity() -> ClinicIdentity:
    """The clinic's row; before ``first_run`` or the sample clinic made one, an unsaved row that says so."""
    return _kept()[0]


def crisis_lines() -> list[CrisisLine]:
    return _kept()[1]


def _kept() -> tuple[ClinicIdentity, list[CrisisLine]]:
    key = f"identity:{generation()}"
    kept = cache.get(key)
    if kept is None:
        identity = ClinicIdentity.objects.first() or ClinicIdentity(
            name="New clinic", legal_name="New clinic", address="", email="", care_notice=""
        )
        kept = (identity, list(CrisisLine.objects.all()))
        cache.set(key, kept, timeout=3600)
    return kept
