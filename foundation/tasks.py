from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from foundation.models import Failure


@shared_task
def purge_failures() -> int:
    """Forget failures once no throttle looks at them any more."""
    return Failure.objects.filter(minute__lt=timezone.now() - timedelta(days=1)).delete()[0]
