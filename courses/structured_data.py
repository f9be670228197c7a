"""What search engines are told of an offer: schema.org's Course or Product, with the price that the page shows."""

from django.conf import settings

from courses.catalogue import Entry
from courses.models import Edition
from foundation.identity import clinic_identity
from foundation.last_day import last_day_before
from foundation.money import format_decimal


def course_data(entry: Entry, edition: Edition | None) -> dict:
    """A course with its price at the moment that ``entry`` was made. No query."""
    clinic = clinic_identity()
    data = _offer_data(entry, "Course") | {
        "provider": {"@type": "Organization", "name": clinic.name, "url": settings.SITE_URL},
        "inLanguage": settings.LANGUAGE_CODE,
        "isAccessibleForFree": entry.price.cents == 0,
    }
    if edition:
        data["teaches"] = edition.objectives
        data["educationalLevel"] = edition.get_level_display()
        data["hasCourseInstance"] = [
            {"@type": "CourseInstance", "courseMode": "Online", "courseWorkload": f"PT{-(-edition.seconds // 60)}M"}
        ]
    return data


def bundle_data(entry: Entry) -> dict:
    """A bundle with its price. No query."""
    return _offer_data(entry, "Product") | {"brand": {"@type": "Brand", "name": clinic_identity().name}}


def _offer_data(entry: Entry, kind: str) -> dict:
    offer, price = entry.offer, entry.price
    address = settings.SITE_URL + offer.get_absolute_url()
    sold = {
        "@type": "Offer",
        "url": address,
        "price": format_decimal(price.cents),
        "priceCurrency": offer.currency.upper(),
        "category": "Paid" if price.cents else "Free",
        "availability": "https://schema.org/InStock",
    }
    if price.on_sale and price.sale_ends_at:
        sold["priceValidUntil"] = last_day_before(price.sale_ends_at).isoformat()
    return {
        "@context": "https://schema.org",
        "@type": kind,
        "name": offer.title,
        "description": offer.summary,
        "url": address,
        "image": settings.SITE_URL + offer.cover_url if offer.cover_url.startswith("/") else offer.cover_url,
        "offers": [sold],
    }
