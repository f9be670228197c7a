from django.core.management.base import BaseCommand
from django.utils import timezone

from payments.webhooks import sweep


class Command(BaseCommand):
    help = "Acts on messages from Stripe that were stored but not dealt with yet."

    def handle(self, **options) -> None:
        self.stdout.write(f"{sweep(at=timezone.now())} messages tried.")
