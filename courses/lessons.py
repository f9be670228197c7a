"""What every page that shows a lesson needs, be it the free preview or the player."""

import logging

from courses.captions import BadCaptions, Cue, read_captions
from courses.models import Lesson

log = logging.getLogger(__name__)


def lesson_view(lesson: Lesson) -> dict[str, object]:
    """Context for ``courses/includes/lesson_media.html``; the page adds ``is_preview`` and may add ``resume_at``."""
    return {"lesson": lesson, "cues": cues_of(lesson)}


def cues_of(lesson: Lesson) -> list[Cue]:
    """The lines of the lesson's transcript, from its captions; empty when it has none that can be read."""
    if not lesson.captions:
        return []
    try:
        with lesson.captions.open("rb") as file:
            return read_captions(file.read().decode())
    except (BadCaptions, UnicodeDecodeError, OSError) as error:
        # Publishing refuses such captions, so this is a draft or a lost file: the lesson itself can still be shown.
        log.warning("The captions of lesson %s cannot be read: %s", lesson.pk, error)
        return []


def transcript_of(lesson: Lesson) -> str:
    """The transcript as plain text, a line each with its time; empty when there is none."""
    return "".join(f"[{_time(cue.starts)}] {cue.text}\n" for cue in cues_of(lesson))


def _time(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
