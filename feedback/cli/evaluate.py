"""feedback evaluate"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feedback.cli.columns import aligned
from feedback.cli.common import pass_folder, progress_bar
from feedback.project import SETTINGS_FILE, Project, load_project
from nlp.engine import DEFAULT_ENGINE, load_engine
from storage.evaluations import save_evaluation
from storage.journal import utc_now
from storage.store import Store

if TYPE_CHECKING:
    from feedback.evaluate import Card, FieldCard, Figure

_SOURCES_SHOWN = 30


@click.command()
@click.argument("gold", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--engine", help="The engine to measure. Default: the project's; outside a project the built-in one.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of tables.")
@click.option(
    "--save/--no-save",
    default=None,
    help="Whether to keep the figures in the project's database, for feedback browse. Default: yes, inside a project.",
)
@pass_folder
def evaluate(folder: Path, gold: Path, engine: str | None, as_json: bool, save: bool | None) -> None:
    """Measure the engine against labelled texts.

    GOLD is JSON Lines: "text" and any of "sentiment" (or "label"), "intent" and "stage", each a label or a list of acceptable
    labels; "source" (or "src") if you like. Texts without a label of a field are left out of that field.

    An answer is right if it is among the acceptable labels; for F1 and the confusion table that label is then the truth, else the
    first one. Macro-F1 is over the classes the gold holds. Where it holds no neutral, the sentiment is judged twice: as said
    (neutral is wrong), and by the sign of its score. The calibration error is how far confidences are from the share of right answers,
    on average; a small sample is off by chance alone. Intervals are 95 %: Wilson's for shares, bootstrap for F1.

    \b
    feedback evaluate gold.jsonl
    feedback evaluate gold.jsonl --json --no-save
    """
    from feedback.evaluate import evaluate as measure
    from feedback.evaluate import evaluation_rows, read_gold

    project = _project(folder, engine, save)
    with ExitStack() as opened:
        # Opened before the work, so that a database that can't be used is told at once.
        keep = project if save is not False else None
        store = opened.enter_context(Store.open(keep.database)) if keep else None
        if engine or not project:
            marker = load_engine(engine or DEFAULT_ENGINE)
        else:
            marker = load_engine(project.engine, project.sentiment)
        with progress_bar("evaluate", _size_bytes(gold)) as progress:
            card = measure(read_gold(gold), marker, progress)
        name = _name(gold, folder)
        click.echo(_as_json(card, name) if as_json else "\n".join(_lines(card, name)))
        if store:
            with store.transaction() as connection:
                save_evaluation(connection, evaluation_rows(card, name, utc_now()))
            click.echo("Kept in the project's database, table evaluations (see: feedback browse)", err=True)


def _project(folder: Path, engine: str | None, save: bool | None) -> Project | None:
    """The project, where there is one and it matters."""
    if save or ((folder / SETTINGS_FILE).exists() and not (save is False and engine)):
        return load_project(folder)
    return None


def _name(gold: Path, folder: Path) -> str:
    """What the figures are filed under: the path within the project, elsewhere the file's name alone."""
    path, inside = gold.resolve(), folder.resolve()
    return path.relative_to(inside).as_posix() if path.is_relative_to(inside) else gold.name


def _size_bytes(gold: Path) -> int | None:
    """For the progress bar; a pipe has none, and a file that can't be read is told of when it is."""
    try:
        return gold.stat().st_size or None
    except OSError:
        return None


def _as_json(card: "Card", gold: str) -> str:
    fields: list[dict[str, Any]] = []
    for each in card.fields:
        labels = [one.label for one in each.classes]
        fields.append(
            {
                "field": each.field,
                "n": each.n,
                "unlabelled": each.unlabelled,
                "accuracy": asdict(each.accuracy),
                "macro_f1": asdict(each.macro_f1),
                "calibration_error": asdict(each.calibration_error) if each.calibration_error else None,
                "error_by_chance": each.error_by_chance,
                "classes": [asdict(one) for one in each.classes],
                "sources": [{"source": source, "accuracy": asdict(figure)} for source, figure in each.sources],
                "confusion": {
                    truth: dict(zip(labels, row, strict=True))
                    for truth, row in zip(labels, each.confusion, strict=True)
                },
            }
        )
    head = {"gold": gold, "engine": card.engine, "engine_version": card.engine_version, "texts": card.texts}
    return json.dumps({**head, "fields": fields}, ensure_ascii=False, indent=1)


def _lines(card: "Card", gold: str) -> Iterator[str]:
    yield f"{gold}: {card.texts:,} texts, engine {card.engine} {card.engine_version}"
    for each in card.fields:
        yield ""
        left_out = f", {each.unlabelled:,} without a label left out" if each.unlabelled else ""
        yield f"{_TITLES.get(each.field, each.field)}: {each.n:,} texts{left_out}"
        yield from _field_lines(each)


_TITLES = {"sentiment_by_sign": "sentiment by the sign of the score"}


def _field_lines(each: "FieldCard") -> Iterator[str]:
    figures = [["accuracy", *_with_limits(each.accuracy)], ["macro-F1", *_with_limits(each.macro_f1)]]
    if each.calibration_error and each.error_by_chance is not None:
        chance = f"(by chance alone up to {each.error_by_chance:.3f})"
        figures.append(["calibration error", f"{each.calibration_error.value:.3f}", chance])
    yield from _indented(aligned(figures, "lrl"))
    yield ""
    rows = [["class", "precision", "recall", "F1", "n"]]
    rows += [
        [one.label, _value(one.precision), _value(one.recall), _value(one.f1), f"{one.recall.n if one.recall else 0:,}"]
        for one in each.classes
        if one.precision or one.recall
    ]
    yield from _indented(aligned(rows, "lrrrr"))
    if len(each.sources) > 1:
        yield ""
        rows = [["source", "accuracy", "95 %", "n"]]
        rows += [[source, *_with_limits(figure), f"{figure.n:,}"] for source, figure in each.sources[:_SOURCES_SHOWN]]
        yield from _indented(aligned(rows, "lrlr"))
        if len(each.sources) > _SOURCES_SHOWN:
            yield f"  … and {len(each.sources) - _SOURCES_SHOWN:,} smaller sources (see: --json)"
    yield ""
    said = [k for k, one in enumerate(each.classes) if one.precision or one.recall]
    rows = [["gold \\ said", *(each.classes[k].label for k in said)]]
    rows += [
        [one.label, *(f"{row[k]:,}" for k in said)]
        for one, row in zip(each.classes, each.confusion, strict=True)
        if one.recall is not None
    ]
    yield from _indented(aligned(rows, "l" + "r" * len(said)))


def _indented(lines: list[str]) -> Iterator[str]:
    return (f"  {line}".rstrip() for line in lines)


def _value(figure: "Figure | None") -> str:
    return "-" if figure is None else f"{figure.value:.3f}"


def _with_limits(figure: "Figure") -> tuple[str, str]:
    limits = "" if figure.low is None or figure.high is None else f"[{figure.low:.3f}, {figure.high:.3f}]"
    return f"{figure.value:.3f}", limits
