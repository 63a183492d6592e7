"""feedback taxonomy list | show | check | suggest | accept | lint"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedback.cli.columns import aligned
from feedback.cli.common import open_project, pass_folder, progress_bar, utf8
from feedback.project import SETTINGS_FILE, Project, load_project
from nlp.taxonomy import Taxonomy, builtin_taxonomies, builtin_text, load_taxonomy
from storage.store import Store
from storage.texts import count_customer_texts, customer_texts

if TYPE_CHECKING:
    from feedback.taxonomy_check import Coverage, Problem, Use
    from feedback.taxonomy_word import Recut

_NOTES_SHOWN = 5
_DEAD_SHOWN = 6


@click.group()
def taxonomy() -> None:
    """Check the aspects a project listens for.

    A taxonomy is a TOML file: aspects, the words customers use for them, their stage of the journey.

    \b
    feedback taxonomy list
    feedback taxonomy show hotel > taxonomy.toml
    feedback taxonomy check
    feedback taxonomy suggest
    """


@taxonomy.command("list")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines instead of text.")
def list_builtins(as_json: bool) -> None:
    """List the built-in taxonomies.

    \b
    feedback taxonomy list
    """
    found = [load_taxonomy(name) for name in builtin_taxonomies()]
    if as_json:
        for one in found:
            row = {"name": one.name, "title_zh": one.title_zh, "title_en": one.title_en, "version": one.version}
            click.echo(json.dumps({**row, "aspects": len(one.aspects), "words": _word_count(one)}, ensure_ascii=False))
        return
    rows = [
        [one.name, one.title_zh, one.title_en, f"{len(one.aspects)} aspects", f"{_word_count(one):,} words"]
        for one in found
    ]
    click.echo("\n".join(aligned(rows, "lllrr")))


def _word_count(one: Taxonomy) -> int:
    return sum(len(aspect.terms) + len(aspect.opinions) for aspect in one.aspects)


@taxonomy.command()
@click.argument("name")
def show(name: str) -> None:
    """Print a built-in taxonomy, to be copied and edited.

    \b
    feedback taxonomy show restaurant > taxonomy.toml
    """
    click.echo(builtin_text(name), nl=False)


@taxonomy.command()
@click.argument("name_or_path", metavar="[NAME|PATH]", required=False)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
@pass_folder
def check(folder: Path, name_or_path: str | None, as_json: bool) -> None:
    """Report overlaps, dead words and coverage of a taxonomy.

    Checks the project's taxonomy, or the one you name, in itself; inside a project also against what its customers wrote. A word
    that two aspects claim is an error, and exit 1.

    \b
    feedback taxonomy check
    feedback taxonomy check hotel --json
    """
    from feedback.taxonomy_check import check_taxonomy

    project = load_project(folder) if name_or_path is None or (folder / SETTINGS_FILE).exists() else None
    chosen = load_taxonomy(name_or_path or (project.taxonomy if project else ""))
    problems = check_taxonomy(chosen)
    use = _use(project, chosen) if project and project.database.exists() else None
    if as_json:
        click.echo(_as_json(chosen, problems, use))
    else:
        click.echo("\n".join(_lines(chosen, problems, use)))
    if any(problem.level == "error" for problem in problems):
        sys.exit(1)


@taxonomy.command()
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many terms at most.")
@click.option("--quotes", default=2, show_default=True, type=click.IntRange(0), help="How many quotes of each.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines instead of text.")
@pass_folder
def suggest(folder: Path, limit: int, quotes: int, as_json: bool) -> None:
    """List what customers judge that no aspect has a word for.

    The most often judged first, blame counted twice; with the aspect that is nearest by meaning. Found by the encoder: with the fast engine there is nothing to
    suggest.

    \b
    feedback taxonomy suggest --limit 10
    """
    from feedback.taxonomy_edit import suggest as suggested

    project, store = open_project(folder)
    with store:
        found = suggested(store, project, limit, quotes)
    if as_json:
        for each in found:
            click.echo(json.dumps(asdict(each), ensure_ascii=False))
        return
    if not found:
        click.echo("Nothing to suggest: what customers judge has words, or the engine in use finds no opinions.")
    for each in found:
        near = f"nearest: {each.nearest} ({each.similarity:.2f})"
        click.echo(f"{each.term}  {each.opinions:,} opinions, {each.negative:,} negative; {near}")
        for verbatim, text in each.quotes:
            click.echo(f"    #{verbatim} {text.strip()}")


@taxonomy.command()
@click.argument("term", callback=utf8)
@click.option("--aspect", required=True, callback=utf8, help="The aspect whose word it becomes.")
@pass_folder
def accept(folder: Path, term: str, aspect: str) -> None:
    """Take a term into the project's taxonomy.

    Adds it to the aspect's terms and raises the version; comments in the file stay. Only verbatims that hold the term are marked anew.

    \b
    feedback taxonomy accept 接粉口 --aspect 做工质量
    """
    from feedback.taxonomy_edit import accept as take_in

    project, store = open_project(folder)
    with store:
        done = take_in(store, project, term, aspect)
    click.echo(f"'{term.strip()}' is a word of '{aspect}' now; the taxonomy is version {done.version}.")
    click.echo(f"{done.touched:,} verbatims hold it and will be marked anew by: feedback analyze")


@taxonomy.command()
@click.option("--word", required=True, callback=utf8, help="The word to try, as 刘海屏.")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(0), help="How many verbatims to show.")
@pass_folder
def lint(folder: Path, word: str, limit: int) -> None:
    """Show what a word of your own would change, before it is in `words` of feedback.toml.

    \b
    feedback taxonomy lint --word 刘海屏
    """
    from feedback.taxonomy_word import WordUse, try_word

    word = word.strip()
    if not word:
        raise click.BadParameter("it is empty", param_hint="--word")
    project, store = open_project(folder)
    use = WordUse()
    with store, progress_bar("lint", count_customer_texts(store.connection)) as progress:
        changed = try_word(project, word, customer_texts(store.connection), use, progress)
        shown: list[Recut] = []
        for recut in changed:
            if len(shown) < limit:
                shown.append(recut)
    click.echo(
        f"{use.holding:,} verbatims hold '{word}'; {use.recut:,} would be cut otherwise, {use.remarked:,} would have other mentions"
    )
    for recut in shown:
        click.echo(f"  #{recut.verbatim_id}  {recut.before}  →  {recut.after}")
        for sign, mentions in (("-", recut.lost), ("+", recut.gained)):
            if mentions:
                click.echo(f"      {sign} {', '.join(mentions)}")


def _use(project: Project, chosen: Taxonomy) -> "Use":
    from feedback.taxonomy_check import use_of

    with Store.open_readonly(project.database) as store:
        total = count_customer_texts(store.connection)
        with progress_bar("taxonomy check", total) as progress:
            return use_of(chosen, project.words, customer_texts(store.connection), progress)


def _as_json(chosen: Taxonomy, problems: "list[Problem]", use: "Use | None") -> str:
    found = {
        "taxonomy": chosen.name,
        "version": chosen.version,
        "problems": [{"level": problem.level, **asdict(problem)} for problem in problems],
        "use": None if use is None else {**asdict(use), "unheard": dict(use.unheard)},
    }
    return json.dumps(found, ensure_ascii=False, indent=1)


def _lines(chosen: Taxonomy, problems: "list[Problem]", use: "Use | None") -> Iterator[str]:
    aspects = f"{len(chosen.aspects)} aspects, {_word_count(chosen):,} words"
    yield f"{chosen.name} {chosen.version} ({chosen.title_zh}): {aspects}"
    by_level = {level: [p for p in problems if p.level == level] for level in ("error", "warning", "note")}
    yield ", ".join(f"{len(found):,} {level}{'' if len(found) == 1 else 's'}" for level, found in by_level.items())
    for level in ("error", "warning"):
        yield from (f"  {level}: {problem.message}" for problem in by_level[level])
    if lone := [problem.word for problem in by_level["note"] if problem.kind == "one_character"]:
        yield f"  note: single characters count only where they are words of their own: {'、'.join(lone)}"
    inside = [problem for problem in by_level["note"] if problem.kind == "inside"]
    yield from (f"  note: {problem.message}" for problem in inside[:_NOTES_SHOWN])
    if more := len(inside[_NOTES_SHOWN:]):
        yield f"  … and {more:,} more words that hold another aspect's (see: --json)"
    yield ""
    if use is None:
        yield "Not checked against texts: there is no project database here."
    elif not use.every.verbatims:
        yield "Not checked against texts: the project holds none yet. Run: feedback collect"
    else:
        yield from _use_lines(use)


def _use_lines(use: "Use") -> Iterator[str]:
    yield "Customer verbatims that mention an aspect:"
    rows = [["", "verbatims", "", "segments", ""]]
    rows += [_coverage_row("all", use.every), _coverage_row("without noise and copies", use.effective)]
    yield from (f"  {line}" for line in aligned(rows, "lrrrr"))
    if use.unusable:
        yield f"  {use.unusable:,} texts can't be analysed and are left out (see: feedback status)"
    yield ""
    rows = [["aspect", "verbatims", "share", "words", "dead", "words that occur in no verbatim"]]
    for one in use.aspects:
        share = _percent(one.verbatims, use.effective.verbatims)
        rows.append([one.aspect, f"{one.verbatims:,}", share, str(one.words), str(len(one.dead)), _dead(one.dead)])
    yield from aligned(rows, "lrrrrl")
    if use.unheard:
        yield ""
        yield "Judging words most frequent where no aspect is mentioned:"
        yield "  " + "  ".join(f"{word} {count:,}" for word, count in use.unheard)


def _coverage_row(title: str, found: "Coverage") -> list[str]:
    return [
        title,
        f"{found.mentioning_verbatims:,} of {found.verbatims:,}",
        _percent(found.mentioning_verbatims, found.verbatims),
        f"{found.mentioning_segments:,} of {found.segments:,}",
        _percent(found.mentioning_segments, found.segments),
    ]


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _dead(words: tuple[str, ...]) -> str:
    more = f" … (+{len(words) - _DEAD_SHOWN})" if len(words) > _DEAD_SHOWN else ""
    return "、".join(words[:_DEAD_SHOWN]) + more
