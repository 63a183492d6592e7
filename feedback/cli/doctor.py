"""feedback doctor"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from feedback.cli.common import pass_folder
from feedback.collectors.base import SourceConfig
from feedback.collectors.description import Description
from feedback.doctor import describe, examine, files_to_describe
from feedback.errors import CollectError


@click.command()
@click.argument("file", required=False)
@click.option("--layout", help="Read FILE by this layout: a built-in one's name, or a TOML mapping file.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines instead of text.")
@pass_folder
def doctor(folder: Path, file: str | None, layout: str | None, as_json: bool) -> None:
    """Check this machine and this project, or show how a file is read.

    Without FILE: exits 1 if something is not in order, and says what to do. With FILE, an export that is a table:
    its format, encoding and layout, and what each column is taken for; nothing is collected. A file that is in
    feedback.toml is read as it says there.

    \b
    feedback doctor
    feedback doctor data/reviews.csv
    feedback doctor survey.xlsx --layout wjx --json
    """
    if file is not None:
        _describe_files(folder, file, layout, as_json)
        return
    if layout is not None:
        raise click.UsageError("--layout goes with a file: feedback doctor FILE --layout …")
    findings = examine(folder)
    for finding in findings:
        if as_json:
            click.echo(json.dumps(asdict(finding), ensure_ascii=False))
        else:
            click.echo(f"{'ok ' if finding.ok else 'BAD'} {finding.what}: {finding.detail}")
    if not all(finding.ok for finding in findings):
        sys.exit(1)


def _describe_files(folder: Path, file: str, layout: str | None, as_json: bool) -> None:
    failed = False
    for part, config in files_to_describe(folder, file, layout):
        try:
            found = describe(part, config)
        except CollectError as error:
            click.echo(f"Error: {error}", err=True)
            failed = True
            continue
        if as_json:
            click.echo(json.dumps({"source": config.name or None, **asdict(found)}, ensure_ascii=False))
        else:
            for line in _lines(found, config):
                # A column's name is whatever the file says: an escape sequence in it must not reach the terminal.
                click.echo("".join(c if c.isprintable() else "�" for c in line))
    if failed:
        sys.exit(1)


def _lines(found: Description, config: SourceConfig) -> Iterator[str]:
    title = f" ({found.title})" if found.title != found.layout else ""
    yield found.file
    if config.name:
        yield f"  Source: {config.name} in feedback.toml"
    yield f"  Format: {found.format}" + (f", {found.encoding}" if found.encoding else "")
    yield f"  Layout: {found.layout}{title}"
    if found.records:
        yield f"  Records: {found.records}"
    yield f"  Stored as: {found.kind}, channel {found.channel}"
    yield "  Columns:"
    for column in found.columns:
        if column.meaning is not None:
            yield f"    {column.name}: {column.meaning}"
    if unused := [column.name for column in found.columns if column.meaning is None]:
        yield f"  Not used: {', '.join(unused)}"
