"""feedback topics"""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedback.cli.columns import aligned
from feedback.cli.common import local_time, open_project, pass_folder, progress_bar, utf8
from storage import topics as rows
from storage.topics import Event, TopicRow, TopicSize

if TYPE_CHECKING:
    from feedback.topics.rising import Rise

_SHOWN = 20
_QUOTES = 3
_SAID = {
    "birth": "new",
    "split": "split off",
    "merge": "merged",
    "death": "ended",
    "rename": "renamed",
    "pin": "pinned",
    "unpin": "unpinned",
    "hide": "hidden",
    "unhide": "shown again",
}


@click.group(invoke_without_command=True)
@click.pass_context
def topics(context: click.Context) -> None:
    """Find out what customers talk about that nobody thought to list.

    Topics are found by what texts mean, keep their number and name from run to run, and can be renamed, merged, split,
    pinned and hidden. Without a subcommand: find, then list.

    \b
    feedback topics
    feedback topics show 3
    feedback topics rename 3 物流太慢
    feedback topics rising
    """
    if context.invoked_subcommand is None:
        context.invoke(find)
        context.invoke(list_)


@topics.command()
@click.option(
    "--least", default=15, show_default=True, type=click.IntRange(5), help="Different texts that make a topic."
)
@pass_folder
def find(folder: Path, least: int = 15) -> None:
    """Bring the topics up to date, and say what changed.

    \b
    feedback topics find
    feedback topics find --least 30
    """
    from feedback.topics.find import find_topics

    project, store = open_project(folder)
    with store:
        with progress_bar("embed") as progress:
            found = find_topics(store, project, progress, least)
        if not found.texts:
            click.echo("There are no opinions yet. Run: feedback analyze")
            return
        names = {topic.id: topic.label for topic in rows.read_topics(store.connection)}
    click.echo(f"{found.texts:,} different texts, {found.embedded:,} of them new; {found.topics:,} topics")
    if not found.topics:
        click.echo(f"Nothing is said by {least} different texts or more. Less of it: feedback topics find --least 5")
    births = [event for event in found.events if event.kind == "birth"]
    for event in found.events:
        if event.kind != "birth":
            click.echo(_told(event, names))
    if births:
        more = f", and {len(births) - _SHOWN:,} more" if len(births) > _SHOWN else ""
        click.echo(f"new: {', '.join(f'{e.topic_id} {e.detail}' for e in births[:_SHOWN])}{more}")
    if not found.events:
        click.echo("No topic changed." if found.embedded else "Nothing changed.")


@topics.command("list")
@click.option("--all", "everything", is_flag=True, help="All topics, the hidden ones too.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines instead of a table.")
@pass_folder
def list_(folder: Path, everything: bool = False, as_json: bool = False) -> None:
    """List the topics, the largest first.

    Counted are opinions of customers without copies and noise; what belongs to no topic is counted as well.

    \b
    feedback topics list
    feedback topics list --all --json
    """
    _, store = open_project(folder)
    with store:
        found = {topic.id: topic for topic in rows.read_topics(store.connection)}
        sizes = rows.topic_sizes(store.connection)
        unplaced = rows.count_unplaced(store.connection)
    total = sum(size.effective for size in sizes)
    of_topics = [size for size in sizes if size.topic_id is not None]
    shown = [size for size in of_topics if everything or not found[size.topic_id or 0].hidden]
    if as_json:
        for size in shown:
            topic = found[size.topic_id or 0]
            click.echo(
                json.dumps(asdict(topic) | asdict(size) | {"share": _share(size.effective, total)}, ensure_ascii=False)
            )
        return
    if not of_topics:
        click.echo("There are no topics yet. Run: feedback topics find")
        return
    listed = shown if everything else shown[:_SHOWN]
    for line in aligned([_cells(found[size.topic_id or 0], size, total) for size in listed], "rlrrrl"):
        click.echo(line)
    if len(shown) > len(listed):
        click.echo(f"… and {len(shown) - len(listed):,} smaller ones: feedback topics list --all")
    hidden = [size for size in of_topics if found[size.topic_id or 0].hidden]
    if hidden and not everything:
        click.echo(f"hidden: {len(hidden):,} topics, {sum(size.effective for size in hidden):,} opinions")
    loose = next((size.effective for size in sizes if size.topic_id is None), 0)
    click.echo(
        f"{total - loose:,} of {total:,} opinions belong to a topic, {loose:,} ({_share(loose, total):.1%}) to none: "
        "feedback topics unassigned"
    )
    _stale(unplaced)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _stale(unplaced: int) -> None:
    if unplaced:
        click.echo(
            f"{unplaced:,} opinions were analysed since and are not placed yet. Run: feedback topics find", err=True
        )


def _cells(topic: TopicRow, size: TopicSize, total: int) -> list[str]:
    marks = "".join(f" ({mark})" for mark, on in (("pinned", topic.pinned), ("hidden", topic.hidden)) if on)
    bad = _share(size.negative, size.effective)
    share = _share(size.effective, total)
    keywords = " ".join(topic.keywords[:6])
    return [
        str(topic.id),
        f"{topic.label}{marks}",
        f"{size.effective:,}",
        f"{share:.1%}",
        f"{bad:.0%} negative",
        keywords,
    ]


@topics.command()
@click.argument("topic", callback=utf8)
@click.option(
    "--quotes", default=_QUOTES, show_default=True, type=click.IntRange(0, 1_000_000), help="How many typical quotes."
)
@pass_folder
def show(folder: Path, topic: str, quotes: int) -> None:
    """Show a topic, by number or name: its keywords and typical quotes.

    \b
    feedback topics show 3
    feedback topics show "物流 很快" --quotes 20
    """
    from feedback.topics.edit import topic_called

    _, store = open_project(folder)
    with store:
        found = topic_called(store.connection, topic)
        sizes = rows.topic_sizes(store.connection)
        said = rows.topic_quotes(store.connection, found.id, quotes)
    total = sum(size.effective for size in sizes)
    size = next((size for size in sizes if size.topic_id == found.id), TopicSize(found.id, 0, 0, 0, 0))
    click.echo(aligned([_cells(found, size, total)], "rlrrrl")[0])
    click.echo(f"      {size.raw:,} with copies and noise; {size.negative:,} negative, {size.positive:,} positive")
    click.echo(f"      {' '.join(found.keywords)}")
    for verbatim, sentiment, text in said:
        click.echo(f"  #{verbatim} {sentiment}\n      {text.strip()}")


@topics.command()
@click.option("--limit", default=_SHOWN, show_default=True, type=click.IntRange(1, 1_000_000), help="How many.")
@pass_folder
def unassigned(folder: Path, limit: int) -> None:
    """Show opinions that belong to no topic, the newest first.

    \b
    feedback topics unassigned --limit 50
    """
    _, store = open_project(folder)
    with store:
        for verbatim, sentiment, text in rows.topic_quotes(store.connection, None, limit):
            click.echo(f"  #{verbatim} {sentiment}\n      {text.strip()}")


@topics.command()
@click.argument("topic", callback=utf8)
@click.argument("label", callback=utf8)
@pass_folder
def rename(folder: Path, topic: str, label: str) -> None:
    """Give a topic a name of your own.

    \b
    feedback topics rename 3 物流太慢
    """
    from feedback.topics.edit import rename_topic

    _, store = open_project(folder)
    with store:
        was = rename_topic(store, topic, label)
    click.echo(f"Topic {was.id}: {was.label} → {' '.join(label.split())}")


@topics.command()
@click.argument("topics", nargs=-1, required=True, callback=utf8)
@click.option("--into", required=True, callback=utf8, help="The topic that stays.")
@pass_folder
def merge(folder: Path, topics: tuple[str, ...], into: str) -> None:
    """Make several topics one, and pin it.

    \b
    feedback topics merge 7 12 --into 3
    """
    from feedback.topics.edit import merge_topics

    _, store = open_project(folder)
    with store:
        target = merge_topics(store, topics, into)
    click.echo(f"{len(topics):,} merged into topic {target.id} ({target.label})")


@topics.command()
@click.argument("topic", callback=utf8)
@pass_folder
def split(folder: Path, topic: str) -> None:
    """Divide a topic into the parts that lie apart, and pin them.

    \b
    feedback topics split 3
    """
    from feedback.topics.edit import split_topic

    project, store = open_project(folder)
    with store:
        parts = split_topic(store, project, topic)
    for part in parts:
        click.echo(f"{part.id:>4}  {part.label}  {' '.join(part.keywords[:6])}")


def _marking(name: str, column: str, on: bool, summary: str) -> None:
    def mark(folder: Path, topic: str) -> None:
        from feedback.topics.edit import mark_topic

        _, store = open_project(folder)
        with store:
            found = mark_topic(store, topic, column, on=on)
        click.echo(f"Topic {found.id} ({found.label}): {_SAID[name]}")

    mark.__doc__ = f"{summary}\n\n\b\nfeedback topics {name} 3\n"
    command = topics.command(name)(click.argument("topic", callback=utf8)(pass_folder(mark)))
    assert isinstance(command, click.Command)


_marking("pin", "pinned", True, "Keep a topic as it is: no run splits it, merges it or ends it.")
_marking("unpin", "pinned", False, "Let runs split, merge and end a topic again.")
_marking("hide", "hidden", True, "Leave a topic out of lists; its opinions are counted on.")
_marking("unhide", "hidden", False, "Show a hidden topic again.")


@topics.command()
@click.argument("topic", required=False, callback=utf8)
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 1_000_000), help="How many events at most."
)
@pass_folder
def history(folder: Path, topic: str | None, limit: int) -> None:
    """What happened to the topics, or to one of them: births, splits, merges, ends and what people did. The newest first.

    \b
    feedback topics history
    feedback topics history 3
    """
    from feedback.topics.edit import find_called

    project, store = open_project(folder)
    with store:
        names = {each.id: each.label for each in rows.read_topics(store.connection)}
        number = None if topic is None else find_called(store.connection, topic).id
        for at, event in rows.read_events(store.connection, number, limit):
            click.echo(f"{local_time(at, project)}  {_told(event, names)}")


def _told(event: Event, names: dict[int, str]) -> str:
    """An event in a line."""
    then = event.detail.partition(" → ")[0] or names.get(event.topic_id, "")
    told = f"{_SAID[event.kind]}: {event.topic_id} {then}"
    if event.kind == "rename":
        return f"{_SAID[event.kind]}: {event.topic_id} {event.detail}"
    if event.other_id is None:
        return told
    joint = "from" if event.kind == "split" else "into"
    return f"{told} {joint} {event.other_id} {names.get(event.other_id, '')}"


@topics.command()
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 7), help="How many days to look at.")
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d"]), help="The last of them; otherwise the newest day of the data."
)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines instead of text.")
@pass_folder
def rising(folder: Path, days: int, until: datetime | None, as_json: bool) -> None:
    """Say what is spoken of more than before, beyond chance.

    The last days against the same days of the week in eight earlier weeks, over all and by stage and channel; of what is reported, one in twenty may be chance.

    \b
    feedback topics rising
    feedback topics rising --days 3 --until 2026-03-01
    """
    from feedback.topics.rising import FEWEST_WEEKS, rising_topics

    project, store = open_project(folder)
    with store:
        if until and not 1970 <= until.year <= 2999:
            raise click.BadParameter("that is no day of any data", param_hint="--until")
        found = rising_topics(store, project, days, until.date() if until else None)
        names = {topic.id: topic.label for topic in rows.read_topics(store.connection)}
        unplaced = rows.count_unplaced(store.connection)
    if as_json:
        for rise in found.rises:
            row = {"label": names[rise.series.topic_id], "first": str(found.first), "last": str(found.last)}
            click.echo(json.dumps(row | asdict(rise), ensure_ascii=False))
        return
    click.echo(f"{found.first} to {found.last} against the same days of {found.weeks} earlier weeks")
    if found.weeks < FEWEST_WEEKS:
        click.echo(f"That takes {FEWEST_WEEKS} earlier weeks with dated opinions that belong to a topic.")
    elif not found.rises:
        click.echo("Nothing rose beyond chance.")
    for line in aligned([_rise_cells(rise, names) for rise in found.rises], "rlllr"):
        click.echo(line)
    _stale(unplaced)


def _rise_cells(rise: "Rise", names: dict[int, str]) -> list[str]:
    series = rise.series
    where = "" if series.where == "all" else f"{series.where} {series.name}"
    said = "new" if rise.is_new else f"{rise.expected:.1f} expected"
    return [str(series.topic_id), names[series.topic_id], where, f"{series.now:,} times, {said}", f"p {rise.p:.2g}"]
