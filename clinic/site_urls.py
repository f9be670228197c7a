from django.contrib.sitemaps.views import sitemap
from django.urls import path

from clinic import health, views
from clinic.sitemaps import SITEMAPS
from foundation.page_cache import shared_page

app_name = "clinic"

urlpatterns = [
    path("", views.home, name="home"),
    path("search/", views.search, name="search"),
    path("p/<slug:slug>/", views.page, name="page"),
    path("robots.txt", views.robots, name="robots"),
    path("sitemap.xml", shared_page(sitemap), {"sitemaps": SITEMAPS}, name="sitemap"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]
