from django.core.management.base import BaseCommand
from django.utils import timezone

from mail.delivery import sweep


class Command(BaseCommand):
    help = "Delivers mail that is due and marks as “perhaps sent” what a dead worker left half sent."

    def handle(self, **options) -> None:
        swept = sweep(at=timezone.now())
        self.stdout.write(f"{swept['delivered']} delivered, {swept['unclear']} perhaps sent.")
