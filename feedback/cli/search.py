"""feedback search"""

import json
from dataclasses import asdict
from pathlib import Path

import click

from feedback.cli.common import local_day, open_project, pass_folder
from nlp.normalize import fold
from storage.search import search as search_verbatims


@click.command()
@click.argument("query", nargs=-1, required=True)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many rows at most.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines instead of text.")
@pass_folder
def search(folder: Path, query: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Find verbatims by their words.

    Every word must occur; traditional and simplified characters find each other. Best first, each row with its id.

    \b
    feedback search 物流太慢
    feedback search iPhone15续航 --limit 5 --json
    """
    project, store = open_project(folder)
    with store:
        hits = search_verbatims(store.connection, fold(" ".join(query)), limit)
    for hit in hits:
        if as_json:
            click.echo(json.dumps(asdict(hit), ensure_ascii=False))
        else:
            day = local_day(hit.posted_at, project) if hit.posted_at else None
            where = " · ".join(part for part in (hit.channel, hit.product, day) if part)
            click.echo(f"#{hit.id}  {where}\n    {hit.text}")
    if not hits and not as_json:
        click.echo("Nothing found.")
