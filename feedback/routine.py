"""What a schedule does each time: collect, analyse, digest, send. One step's failure is reported and does not stop the next."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from feedback.digest.deliver import SENDING, Delivery, Message, deliver
from feedback.digest.files import write_files
from feedback.digest.make import aspect_names, last_complete_period, make_digest, period_name
from feedback.digest.render import to_markdown
from feedback.errors import FeedbackError
from feedback.journey.model import Digest
from feedback.pipeline import analyze, collect
from feedback.project import Project
from storage.journal import delivery_status, record_delivery
from storage.store import Store

Say = Callable[[str], None]
_TITLES = {"zh": "{project} 客户原声 {period}", "en": "{project}: customer feedback, {period}"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to; `problems` are the sentences to show to whoever is responsible."""

    digest: Path
    deliveries: tuple[Delivery, ...]
    problems: tuple[str, ...]


class StoreLedger:
    """Remembers in the project's database what was sent where."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def delivered(self, key: str, target_id: str) -> bool:
        return delivery_status(self._store.connection, key, target_id) == "sent"

    def record(self, key: str, target_id: str, ok: bool, error: str | None) -> None:
        status = "sent" if ok else "sending" if error == SENDING else "failed"
        with self._store.transaction() as connection:
            record_delivery(connection, key, target_id, status, error)  # type: ignore[arg-type]


def run_once(project: Project, say: Say) -> Outcome:
    """Collect every source, analyse what is new, write the last complete period's digest, send it where it has not been."""
    problems: list[str] = []
    with Store.open(project.database) as store:
        for source in project.sources:
            try:
                done = collect(store, project, source, _quiet)
                say(f"{source.name}: {done.added} new, {done.rejected} rejected")
                for note in done.notes:
                    say(f"{source.name}: {note}")
                problems.extend(f"{source.name}: {reason}" for reason in done.failed)
            except FeedbackError as error:
                problems.append(f"{source.name}: {error}")
        analyzed = analyze(store, project, _quiet)
        say(f"{analyzed.verbatims} verbatims analysed")
        if analyzed.failed:
            problems.append(f"{analyzed.failed} texts could not be analysed")
        period = last_complete_period(project, project.digest.period)
        digest = make_digest(store, project, period, project.digest.channels)
        lang = project.digest.lang
        names = aspect_names(project, lang)
        paths = write_files(digest, project.folder / "digests", period_name(period), lang, names)
        html = paths["html"]
        deliveries = tuple(_send(store, project, digest, html))
    problems.extend(f"{d.target}: {d.error}" for d in deliveries if d.outcome == "failed")
    for problem in problems:
        say(f"Problem: {problem}")
    return Outcome(html, deliveries, tuple(problems))


def _send(store: Store, project: Project, digest: Digest, html: Path) -> list[Delivery]:
    if not project.digest.send_to:
        return []
    name, lang = period_name(digest.parameters.period), project.digest.lang
    message = Message(
        key=f"{project.name} {name}",
        title=_TITLES[lang].format(project=project.name, period=name),
        body_markdown=to_markdown(digest, lang, aspect_names(project, lang)),
        html_path=html,
        lang=lang,
    )
    return deliver(message, project.digest.send_to, StoreLedger(store))


def _quiet(_what: str, _more: int) -> None:
    """Nobody watches a scheduled run's progress."""
