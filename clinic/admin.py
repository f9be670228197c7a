from django.contrib import admin

from clinic.models import Page
from foundation.models import ClinicIdentity, CrisisLine, StaffAct


@admin.register(ClinicIdentity)
class ClinicIdentityAdmin(admin.ModelAdmin):
    """There is one row; it is edited, never added to or deleted."""

    def has_add_permission(self, request):
        return super().has_add_permission(request) and not ClinicIdentity.objects.exists()

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(CrisisLine)
class CrisisLineAdmin(admin.ModelAdmin):
    list_display = ["label", "text", "href", "position"]
    list_editable = ["position"]


@admin.register(Page)
class PageAdmin(admin.ModelAdmin):
    list_display = ["title", "slug", "is_published", "updated_at"]
    list_filter = ["is_published"]
    search_fields = ["title", "body"]
    prepopulated_fields = {"slug": ["title"]}


@admin.register(StaffAct)
class StaffActAdmin(admin.ModelAdmin):
    """Read only: the log is written by deeds."""

    list_display = ["at", "by_name", "deed", "subject", "reason"]
    list_filter = ["deed", "at"]
    search_fields = ["by_name", "deed", "subject", "reason"]
    date_hierarchy = "at"

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
