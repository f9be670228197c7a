"""Who runs this site: read on every page, so kept in memory until a page-changing edit."""

from foundation.models import ClinicIdentity, CrisisLine
from foundation.page_cache import generation, memory


def clinic_identity() -> ClinicIdentity:
    """The clinic's row; before ``first_run`` or the sample clinic made one, an unsaved row that says so."""
    return identity_and_lines()[0]


def crisis_lines() -> list[CrisisLine]:
    return identity_and_lines()[1]


def identity_and_lines() -> tuple[ClinicIdentity, list[CrisisLine]]:
    """Both with one look at the shared cache. The rows are everybody's: to change one, read it anew."""
    belongs_to = generation()
    kept = memory.get(belongs_to, "identity")
    if kept is None:
        identity = ClinicIdentity.objects.first() or ClinicIdentity(
            name="New clinic", legal_name="New clinic", address="", email="", care_notice=""
        )
        kept = (identity, list(CrisisLine.objects.all()))
        memory.put(belongs_to, "identity", kept)
    return kept
