"""feedback status, feedback rejects"""

import json
from dataclasses import asdict, replace
from pathlib import Path

import click

from feedback.cli.common import first_line, local_day, local_time, open_project, pass_folder, utf8
from feedback.part_names import hidden_names, shown_location
from feedback.pipeline import awaiting_analysis, pipeline_config
from nlp.config import pipeline_version
from storage.journal import count_rejects, list_rejects, recent_runs
from storage.overview import failed_texts, source_counts


@click.command()
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
@pass_folder
def status(folder: Path, as_json: bool) -> None:
    """Show what the project holds and what it did last.

    Dates and times are those of the project's time zone, in JSON UTC. A run whose process was killed is "interrupted":
    what it stored is there, and the next run goes on from it.

    \b
    feedback status
    """
    project, store = open_project(folder, create=True)
    with store:
        sources = source_counts(store.connection)
        waiting = awaiting_analysis(store, project)
        refused, partial = count_rejects(store.connection)
        failed = failed_texts(store.connection, pipeline_version(pipeline_config(project)))
        runs = recent_runs(store.connection, 5)
    if as_json:
        found = {
            "project": project.name,
            "sources": [asdict(source) for source in sources],
            "awaiting_analysis": waiting,
            "rejected_rows": refused,
            "rejected_fields": partial,
            "failed_texts": [{"verbatim_id": row_id, "error": error} for row_id, error in failed],
            "runs": [asdict(run) for run in runs],
        }
        click.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    click.echo(f"{project.name}  ({project.database})")
    for s in sources:
        dates = f"{local_day(s.first, project)} … {local_day(s.last, project)}" if s.first and s.last else "no dates"
        click.echo(
            f"  {s.source}: {s.customer:,} customer verbatims, {s.context:,} context turns, {dates}; "
            f"{s.copies:,} copies, {s.noise:,} noise, {s.undated:,} without date"
        )
    if not sources:
        click.echo("  Nothing collected yet. Run: feedback collect")
    click.echo(f"  Awaiting analysis: {waiting:,}")
    click.echo(f"  Rejected: {refused:,} rows, {partial:,} fields (see: feedback rejects)")
    for row_id, error in failed[:10]:
        click.echo(f"  Not analysable: #{row_id}: {error}")
    if runs:
        click.echo(f"  Last runs (times in {project.timezone}):")
    for run in runs:
        started = local_time(run.started_at, project)
        said = first_line(run.message)
        click.echo("  " + " ".join(filter(None, (f"{started} ", run.command, run.source, run.status, said))))


@click.command()
@click.option("--source", callback=utf8, help="Only this source.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="How many rows at most.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines instead of text.")
@pass_folder
def rejects(folder: Path, source: str | None, limit: int, as_json: bool) -> None:
    """List rows that could not be used, and why.

    "stored" rows are in the database without the field named. Files of chats are stored under a code, because they are
    often named after the customer; here they have their names, as long as feedback.toml and the files are as they were.

    \b
    feedback rejects
    feedback rejects --source 京东 --json
    """
    project, store = open_project(folder)
    names = hidden_names(project)
    with store:
        found = list_rejects(store.connection, source, limit)
        rows = [replace(row, location=shown_location(row.location, names)) for row in found]
        refused, partial = count_rejects(store.connection)
    for row in rows:
        if as_json:
            click.echo(json.dumps(asdict(row), ensure_ascii=False))
        else:
            kept = " (stored)" if row.stored else ""
            click.echo(
                f"{row.source}  {row.location}{kept}: {row.reason}" + (f"\n    {row.excerpt}" if row.excerpt else "")
            )
    if not as_json:
        click.echo(f"{refused:,} rows were not stored, {partial:,} fields left out. Shown: {len(rows):,}.")
