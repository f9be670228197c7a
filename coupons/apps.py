from django.apps import AppConfig


class CouponsConfig(AppConfig):
    name = "coupons"

    def ready(self) -> None:
        from coupons.models import Coupon
        from foundation.page_cache import forget_pages_when_saved

        forget_pages_when_saved(Coupon)
