"""Where everything is; architecture.md 6 is the contract."""

from django.contrib import admin
from django.urls import include, path

from accounts import urls as account_urls
from accounts.signing_in import slow_down
from clinic import privacy_urls

handler429 = slow_down  # allauth looks for it here
handler500 = "foundation.errors.server_error"

urlpatterns = [
    path("admin/", admin.site.urls),
    # What a person's data are is known to every app, so these two pages are clinic's; their names stay accounts'.
    path("accounts/", include((account_urls.urlpatterns + privacy_urls.urlpatterns, "accounts"))),
    path("accounts/", include("allauth.urls")),
    path("", include("courses.urls")),
    path("", include("payments.urls")),
    path("", include("enrolments.urls")),
    path("", include("clinic.site_urls")),
]
