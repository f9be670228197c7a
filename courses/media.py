"""The files of a lesson under the names that addresses use; a name fixes the type, whatever was uploaded."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from django.db.models.fields.files import FieldFile

from courses.models import Lesson


@dataclass(frozen=True)
class LessonFile:
    """One file of a lesson; ``save_as`` is the name it is saved under, empty for what is shown in the page."""

    file: FieldFile
    content_type: str
    save_as: str = ""

    @property
    def name(self) -> str:
        """What the storage calls it."""
        return self.file.name or ""


def lesson_file(lesson: Lesson, name: str) -> LessonFile | None:
    """The file that ``name`` stands for; None when the name is unknown or the lesson has no such file."""
    match name:
        case "video.mp4":
            found = LessonFile(lesson.video, "video/mp4")
        case "described.mp4":
            found = LessonFile(lesson.described_video, "video/mp4")
        case "captions.vtt":
            found = LessonFile(lesson.captions, "text/vtt; charset=utf-8")
        case "poster.jpg":
            found = LessonFile(lesson.poster, "image/jpeg")
        case "download":
            found = LessonFile(lesson.download, "application/octet-stream", save_as=_download_name(lesson))
        case _:
            return None
    return found if found.file else None


def _download_name(lesson: Lesson) -> str:
    ending = PurePosixPath(lesson.download.name or "").suffix.lower()
    return lesson.slug + (ending if re.fullmatch(r"\.[a-z0-9]{1,8}", ending) else "")
