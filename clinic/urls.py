"""Where everything is; architecture.md 6 is the contract."""

from django.contrib import admin
from django.urls import include, path

handler500 = "foundation.errors.server_error"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("", include("courses.urls")),
    path("", include("payments.urls")),
    path("", include("enrolments.urls")),
    path("", include("clinic.site_urls")),
]
