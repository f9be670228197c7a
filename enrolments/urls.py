app_name = "enrolments"

urlpatterns: list = []
