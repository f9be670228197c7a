"""The Celery app: ``celery -A clinic worker`` and ``celery -A clinic beat`` run it; the embedded default runs it in-process."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")

app = Celery("clinic")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
