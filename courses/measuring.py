"""How long a lesson takes: measured from its file or its words, never typed."""

import math
import re
from typing import BinaryIO, cast

from django.db.models.fields.files import FieldFile
from tinytag import TinyTag

from courses.models import Lesson

# The slow end of adult silent reading of non-fiction, so that a promised length is kept.
WORDS_PER_MINUTE = 200

_TAG = re.compile(r"<[^>]*>")


def words_in(html: str) -> int:
    """How many words a reader sees in ``html``."""
    return len(_TAG.sub(" ", html).split())


def seconds_of_video(video: FieldFile) -> int:
    """The length of a video file in whole seconds, rounded down."""
    with video.open() as file:
        return math.floor(TinyTag.get(video.name, file_obj=cast(BinaryIO, file)).duration or 0)


def seconds_of_lesson(lesson: Lesson) -> int:
    """A video's own length, plus the reading time of the lesson's text."""
    seconds = words_in(lesson.body) * 60 // WORDS_PER_MINUTE
    if lesson.kind == Lesson.Kind.VIDEO:
        seconds += seconds_of_video(lesson.video)
    return seconds
