from django.urls import path

from accounts import views

app_name = "accounts"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("profile/", views.profile, name="profile"),
    path("reauthenticate/code/", views.prove_by_code, name="prove_by_code"),
]
