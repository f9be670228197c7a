from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from clinic.sample_clinic import OnlyInDemo, load


class Command(BaseCommand):
    help = "Loads the sample clinic, or what is missing of it. Demo mode only; safe to repeat."

    def handle(self, *args, **options):
        try:
            made = load(at=timezone.now())
        except OnlyInDemo as error:
            raise CommandError(str(error)) from error
        if options["verbosity"]:
            self.stdout.write(
                f"Sample clinic: {made} offers, codes and people added." if made else "Sample clinic: all there."
            )
