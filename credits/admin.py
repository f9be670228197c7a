from django.contrib import admin, messages
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from courses.admin import EditionAdmin
from courses.models import Edition
from credits.publishing import NotReady, publish
from foundation.acts import log_act

admin.site.unregister(Edition)


@admin.register(Edition)
class PublishableEditionAdmin(EditionAdmin):
    """Editions with the one door through which they are published."""

    actions = ["publish"]

    @admin.action(description=gettext_lazy("Publish: measure it and teach it from now on"), permissions=["change"])
    def publish(self, request, editions):
        now = timezone.now()
        for edition in editions.select_related("course"):
            try:
                publish(edition, at=now)
            except NotReady as error:
                for sentence in error.missing:
                    self.message_user(request, f"{edition}: {sentence}", messages.ERROR)
            else:
                log_act(by=request.user, deed="edition published", subject=edition, at=now)
                self.message_user(request, _("%s is published.") % edition, messages.SUCCESS)
