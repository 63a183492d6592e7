"""A digest as files."""

import os
from collections.abc import Mapping
from pathlib import Path

from feedback.digest.json_form import to_json
from feedback.digest.phrases import NO_NAMES
from feedback.errors import DigestError
from feedback.journey.model import Digest

FORMATS = ("md", "html", "json")


def render(digest: Digest, form: str, lang: str, aspects: Mapping[str, str] = NO_NAMES) -> str:
    """The digest as `md`, `html` or `json`, in `zh` or `en`; `aspects`: what that language calls the aspects."""
    if form == "json":
        return to_json(digest)
    from feedback.digest.render import to_html, to_markdown

    return (to_html if form == "html" else to_markdown)(digest, lang, aspects)


def write_files(
    digest: Digest, folder: Path, name: str, lang: str, aspects: Mapping[str, str] = NO_NAMES
) -> dict[str, Path]:
    """The digest in every form, as files of one name; their paths by form."""
    paths = {form: folder / f"{name}.{form}" for form in FORMATS}
    for form, path in paths.items():
        write_text(path, render(digest, form, lang, aspects))
    return paths


def write_text(path: Path, text: str) -> None:
    """All of it or nothing: where it can't be written, a file that was there before stays as it was."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise DigestError(f"{path} can't be written: {error.strerror}.") from error
