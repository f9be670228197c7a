from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ClinicConfig(AppConfig):
    name = "clinic"

    def ready(self) -> None:
        import clinic.checks  # noqa: F401  (registers them)
        from clinic.models import Page
        from foundation.page_cache import forget_pages_when_saved

        forget_pages_when_saved(Page)


class ClinicAdminConfig(AdminConfig):
    default_site = "clinic.admin_site.ClinicAdminSite"
