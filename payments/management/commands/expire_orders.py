from django.core.management.base import BaseCommand
from django.utils import timezone

from payments.reconciliation import expire_orders


class Command(BaseCommand):
    help = "Closes orders whose time to pay is over, after asking Stripe, and gives their codes back."

    def handle(self, **options) -> None:
        self.stdout.write(f"{expire_orders(at=timezone.now())} orders closed.")
