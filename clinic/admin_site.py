"""The admin: Django's own, signed in through the site's sign-in pages so that codes and second factors hold there too."""

from functools import update_wrapper

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.generic import RedirectView


class ClinicAdminSite(admin.AdminSite):
    site_header = "Clinic administration"
    site_title = "Clinic administration"
    index_title = "How are we doing"

    def admin_view(self, view, cacheable=False):
        """To somebody who is signed in and not staff there is no admin."""
        page = super().admin_view(view, cacheable)

        def staff_only(request: HttpRequest, *args, **kwargs) -> HttpResponse:
            if request.user.is_authenticated and not self.has_permission(request):
                raise Http404
            return page(request, *args, **kwargs)

        return update_wrapper(staff_only, view)

    def login(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        going_to = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(going_to, {request.get_host()}, require_https=request.is_secure()):
            going_to = reverse("admin:index")
        if not request.user.is_authenticated:
            return redirect_to_login(going_to)
        if not self.has_permission(request):
            raise Http404
        return redirect(going_to)

    def get_urls(self) -> list:
        """Passwords are changed where everybody changes theirs."""
        return [
            path("password_change/", RedirectView.as_view(pattern_name="account_change_password")),
            *super().get_urls(),
        ]
