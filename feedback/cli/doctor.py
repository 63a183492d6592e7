"""feedback doctor"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import click

from feedback.cli.common import pass_folder
from feedback.cli.examination import examination_lines, later_progress
from feedback.collectors.base import Part, SourceConfig
from feedback.collectors.description import Description
from feedback.collectors.suggest import UnknownLayout
from feedback.doctor import describe, drafted, examine, files_to_describe, project_of
from feedback.errors import CollectError
from feedback.import_check import check_import, command_for, config_for, free_name, section_for


@click.command()
@click.argument("file", required=False)
@click.option("--layout", help="Read FILE by this layout: a built-in one's name, or a TOML mapping file.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines instead of text.")
@pass_folder
def doctor(folder: Path, file: str | None, layout: str | None, as_json: bool) -> None:
    """Check this machine and this project, or examine a file before it is collected.

    Without FILE: exits 1 if something is not in order, and says what to do. With FILE, an export that is a table or a
    chat: its format, encoding and layout, what each column is taken for, and what collecting it would come to: dates,
    damaged ids, copies, personal data, rows that can't be used; nothing is stored. A file that is in feedback.toml is
    read as it says there.

    \b
    feedback doctor
    feedback doctor data/reviews.csv
    feedback doctor survey.xlsx --layout wjx --json
    """
    if file is not None:
        _examine_files(folder, file, layout, as_json)
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


def _examine_files(folder: Path, file: str, layout: str | None, as_json: bool) -> None:
    failed = False
    project = project_of(folder)
    taken = {source.name for source in project.sources}
    for part, found_config in files_to_describe(folder, file, layout):
        try:
            config = config_for(part, found_config)
            try:
                _examine_file(part, config, project.timezone, taken, as_json)
            except UnknownLayout as unknown:
                if not unknown.has_text:
                    raise
                with drafted(unknown, config) as guess:
                    _examine_file(part, guess, project.timezone, taken, as_json, unknown)
        except CollectError as error:
            click.echo(f"Error: {error}", err=True)
            failed = True
    if failed:
        sys.exit(1)


def _examine_file(
    part: Part,
    config: SourceConfig,
    timezone: str,
    taken: set[str],
    as_json: bool,
    unknown: UnknownLayout | None = None,
) -> None:
    """Shows how a file would be collected; `unknown`: with a layout drafted for it, which is shown too.

    `taken`: names of sources; that of the section which is shown is one of them then.
    """
    described = describe(part, config)
    if unknown:
        described = replace(described, layout=None, title=None)
    if not as_json:
        _show(_lines(described, config, guessed=unknown is not None))
    with later_progress("examining") as progress:
        examined = check_import(part, config, timezone, datetime.now(UTC), progress)
    if unknown:
        config = replace(config, layout=unknown.file_name)
    name = free_name(part, config, taken)
    taken.add(name)
    command, section = command_for(part, config), section_for(part, config, name)
    if as_json:
        told = {"source": config.name or None, **asdict(described), "examination": asdict(examined)}
        told |= {"import": {"command": command, "section": None if config.name else section}}
        told |= {"draft": {"file": unknown.file_name, "layout": unknown.draft}} if unknown else {}
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    _show(examination_lines(examined, timezone))
    if unknown:
        _show([f"  Save the lines at the end as {unknown.file_name} and correct the guesses."])
        if config.name:
            _show([f"  Name it in the source: layout = {json.dumps(unknown.file_name, ensure_ascii=False)}"])
    if not examined.verbatims.count:
        _show(["  Nothing of it would be stored: is this the right file, and the right layout?"])
    else:
        _show([f"  Import it: {command}"])
        if not config.name:
            _show(["  or for good, in feedback.toml:", *(f"    {line}" for line in section.splitlines())])
    if unknown:
        _show(["", *unknown.draft.splitlines()])


def _show(lines: Iterator[str] | list[str]) -> None:
    for line in lines:
        # A column's name is whatever the file says: an escape sequence in it must not reach the terminal.
        click.echo("".join(c if c.isprintable() else "�" for c in line))


def _lines(found: Description, config: SourceConfig, *, guessed: bool) -> Iterator[str]:
    title = f" ({found.title})" if found.title != found.layout else ""
    yield found.file
    if config.name:
        yield f"  Source: {config.name} in feedback.toml"
    yield "  Format: " + ", ".join(each for each in (found.format, found.encoding, found.delimiter) if each)
    if found.layout:
        yield f"  Layout: {found.layout}{title}"
    if guessed:
        yield "  Layout: not known; what follows is a guess by the names of the columns"
    if found.records:
        yield f"  Records: {found.records}"
    yield f"  Stored as: {found.kind}" + (f", channel {found.channel}" if found.channel else "")
    if found.columns:
        yield "  Columns:"
    for column in found.columns:
        if column.meaning is not None:
            yield f"    {column.name}: {column.meaning}"
    if unused := [column.name for column in found.columns if column.meaning is None]:
        yield f"  Not used: {', '.join(unused)}"
    if found.numberless:
        yield "  No column numbers the responses: each is known by its time, its ratings and its words, and some are there twice when a question is"
        yield "    deleted or worded anew, or a rating corrected. If a column tells them apart, name it in a layout: source_id"
