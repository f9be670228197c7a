"""Where a request comes from, as far as throttles need to know."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def caller_address(request: HttpRequest) -> str:
    """The peer's IP address; behind our own proxy the one that it names last. Other forwarded headers are never believed."""
    if settings.BEHIND_PROXY:
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if forwarded:
            return forwarded
    return request.META.get("REMOTE_ADDR", "")


def caller_network(request: HttpRequest) -> str:
    """The caller's neighbourhood: an IPv4 /24 or an IPv6 /48, so that one machine with many addresses counts as one."""
    try:
        address = ipaddress.ip_address(caller_address(request))
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False))
