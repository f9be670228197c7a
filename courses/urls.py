from django.urls import path

from courses import views
from courses.feeds import new_courses

app_name = "courses"

urlpatterns = [
    path("courses/", views.catalogue, name="list"),
    path("courses/feed/", new_courses, name="feed"),
    path("courses/<slug:slug>/", views.detail, name="detail"),
    path("courses/<slug:slug>/preview/<slug:lesson_slug>/", views.preview, name="preview"),
]
