from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from payments.reconciliation import purge_unpaid


class Command(BaseCommand):
    help = "Deletes orders that were never paid and closed longer ago than UNPAID_ORDERS_KEPT_DAYS."

    def handle(self, **options) -> None:
        purged = purge_unpaid(at=timezone.now(), days=settings.UNPAID_ORDERS_KEPT_DAYS)
        self.stdout.write(f"{purged} unpaid orders deleted.")
