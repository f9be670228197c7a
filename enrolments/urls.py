from django.urls import path

from enrolments import views

app_name = "enrolments"

urlpatterns = [
    path("learn/", views.learn, name="learn"),
    path("learn/<slug:slug>/", views.course, name="course"),
    path("learn/<slug:slug>/<slug:lesson_slug>/", views.lesson, name="lesson"),
    path("learn/<slug:slug>/<slug:lesson_slug>/position/", views.position, name="position"),
    path("learn/<slug:slug>/<slug:lesson_slug>/done/", views.done, name="done"),
    path("media/<int:lesson>/<str:name>", views.media, name="media"),
]
