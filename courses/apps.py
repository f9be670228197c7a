from django.apps import AppConfig


class CoursesConfig(AppConfig):
    name = "courses"

    def ready(self) -> None:
        from accounts.models import Person
        from courses import models
        from courses.boundaries import next_offer_change
        from courses.search import keep_index_fresh
        from foundation.page_cache import add_boundaries, forget_pages_when_saved

        forget_pages_when_saved(
            models.Course, models.Bundle, models.BundledCourse, models.Topic, models.Edition, models.Section, models.Lesson,
            models.Instructing, models.FrequentQuestion, Person,
        )  # fmt: skip
        add_boundaries(next_offer_change)
        keep_index_fresh()
