"""The admin: Django's own, signed in through the site's sign-in pages so that codes and second factors hold there too."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin


class ClinicAdminSite(admin.AdminSite):
    site_header = "Clinic administration"
    site_title = "Clinic administration"
    index_title = "How are we doing"

    login = secure_admin_login(admin.AdminSite.login)
