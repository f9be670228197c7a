"""Answers with a lesson's file: whole, in part, or by way of the proxy. Who may have it was decided before."""

import hashlib
from datetime import datetime
from urllib.parse import quote

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, http_date

from courses.lessons import transcript_of
from courses.media import LessonFile, lesson_file
from courses.models import Lesson
from enrolments.ranges import Part, PartOfFile, Unsatisfiable, part_asked_for


def answer_with_media(request: HttpRequest, lesson: Lesson, name: str) -> HttpResponseBase:
    """The file of ``lesson`` called ``name``.

    :raises Http404: there is none.
    """
    if name == "transcript.txt":
        response = _transcript(request, lesson)
    elif found := lesson_file(lesson, name):
        response = _handed_to_proxy(found) if settings.MEDIA_ACCEL_LOCATION else _served(request, found)
    else:
        raise Http404
    # A browser may keep it, but asks each time whether this person may still have it.
    response["Cache-Control"] = "private, no-cache"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _transcript(request: HttpRequest, lesson: Lesson) -> HttpResponseBase:
    text = transcript_of(lesson).encode()
    if not text:
        raise Http404
    etag = f'"{hashlib.blake2b(text, digest_size=12).hexdigest()}"'
    headers = {"ETag": etag, "Content-Disposition": content_disposition_header(True, f"{lesson.slug}.txt")}
    response = HttpResponse(text, content_type="text/plain; charset=utf-8", headers=headers)
    return get_conditional_response(request, etag=etag, response=response) or response


def _handed_to_proxy(found: LessonFile) -> HttpResponse:
    """The proxy reads the file, and answers ranges and conditions by itself."""
    response = HttpResponse(content_type=found.content_type)
    response["X-Accel-Redirect"] = settings.MEDIA_ACCEL_LOCATION + quote(found.name)
    return _named(response, found)


def _served(request: HttpRequest, found: LessonFile) -> HttpResponseBase:
    try:
        size, changed_at = found.file.size, found.file.storage.get_modified_time(found.name)
    except FileNotFoundError:
        raise Http404 from None
    etag, last_modified = _etag(found, size, changed_at), int(changed_at.timestamp())

    response: HttpResponseBase | None = get_conditional_response(request, etag=etag, last_modified=last_modified)
    if response is None:
        response = _bytes(request, found, size, {etag, http_date(last_modified)})
    response["ETag"] = etag
    response["Last-Modified"] = http_date(last_modified)
    return response


def _bytes(request: HttpRequest, found: LessonFile, size: int, validators: set[str]) -> HttpResponseBase:
    """All of the file, or the part asked for with GET if the file is still the one that ``If-Range`` means."""
    unchanged = request.headers.get("If-Range") in {None, *validators}
    asked = request.headers.get("Range", "") if request.method == "GET" and unchanged else ""
    try:
        part = part_asked_for(asked, size)
    except Unsatisfiable:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})

    sent = part or Part(0, size - 1)
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Length": str(sent.length),
        # Packing would change the bytes that ranges count; what names its encoding is not packed again.
        "Content-Encoding": "identity",
    }
    if part:
        headers["Content-Range"] = f"bytes {part.first}-{part.last}/{size}"
    if request.method == "HEAD":
        return _named(HttpResponse(content_type=found.content_type, headers=headers), found)
    pieces = PartOfFile(found.file.storage.open(found.name, "rb"), sent)
    status = 206 if part else 200
    return _named(StreamingHttpResponse(pieces, status=status, content_type=found.content_type, headers=headers), found)


def _named[Response: HttpResponseBase](response: Response, found: LessonFile) -> Response:
    if found.save_as:
        response["Content-Disposition"] = content_disposition_header(True, found.save_as)
    return response


def _etag(found: LessonFile, size: int, changed_at: datetime) -> str:
    mark = f"{found.name} {size} {changed_at.timestamp()}"
    return f'"{hashlib.blake2b(mark.encode(), digest_size=12).hexdigest()}"'
