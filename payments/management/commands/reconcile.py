from django.core.management.base import BaseCommand
from django.utils import timezone

from payments import reconciliation


class Command(BaseCommand):
    help = "Compares our orders with Stripe, mends what was paid but not enrolled, and lists what does not add up."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--days", type=int, default=3, help="How far back payment pages are compared (default: 3).")

    def handle(self, *, days: int, **options) -> None:
        now = timezone.now()
        for run in (
            reconciliation.reconcile_open(at=now),
            reconciliation.reconcile_events(at=now),
            reconciliation.reconcile_day(at=now, days=days),
        ):
            self.stdout.write(f"{run.kind}: {run.seen} seen, {run.mended} mended, {len(run.mismatches)} to look at")
            for sentence in run.mismatches:
                self.stdout.write(f"  {sentence}")
