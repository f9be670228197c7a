from django.apps import AppConfig


class FoundationConfig(AppConfig):
    name = "foundation"

    def ready(self) -> None:
        from foundation.models import ClinicIdentity, CrisisLine
        from foundation.page_cache import forget_pages_when_saved

        forget_pages_when_saved(ClinicIdentity, CrisisLine)
