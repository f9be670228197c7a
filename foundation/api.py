"""What every endpoint of the REST API has in common: errors as RFC 9457 problem documents."""

from http import HTTPStatus

from rest_framework.exceptions import Throttled, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler


def problem(error: Exception, context: dict) -> Response | None:
    """DRF's exception handler, answering ``application/problem+json`` with a stable ``code``.

    None for what DRF does not know, which is left to fail loudly.
    """
    response = exception_handler(error, context)
    if response is None:
        return None
    detail = getattr(error, "detail", None)
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(response.status_code).phrase,
        "status": response.status_code,
        "code": getattr(error, "default_code", "not_found"),
    }
    if isinstance(error, ValidationError):
        body["code"] = "invalid"
        body["errors"] = detail
    elif detail is not None:
        body["detail"] = str(detail)
    if isinstance(error, Throttled) and error.wait is not None:
        response["Retry-After"] = str(int(error.wait))
    response.data = body
    response.content_type = "application/problem+json"
    return response
