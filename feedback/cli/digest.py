"""feedback digest, feedback verify"""

import sys
from pathlib import Path

import click

from feedback.cli.common import open_project, pass_folder, utf8
from feedback.digest.files import FORMATS, render, write_files, write_text
from feedback.digest.json_form import from_json
from feedback.digest.make import aspect_names, make_digest, newest_period, period_name
from feedback.errors import DigestError
from feedback.journey.model import Digest
from storage.store import Store


@click.command()
@click.option(
    "--period",
    help="day, week, month, quarter, all, 2026-W09, 2026-02, 2026-02-23..2026-03-01. Default: as feedback.toml says.",
)
@click.option("--format", "form", type=click.Choice(FORMATS), help="Print this form instead of writing all three.")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of the report. Default: as feedback.toml says.")
@click.option(
    "--channel", "channels", multiple=True, callback=utf8, help="Only this channel; may be given several times."
)
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file instead of printing."
)
@pass_folder
def digest(
    folder: Path, period: str | None, form: str | None, lang: str | None, channels: tuple[str, ...], output: Path | None
) -> None:
    """Write the digest of a period, stage by stage of the customer journey.

    Without --format: writes Markdown, HTML and JSON into the folder digests/ and prints the Markdown.
    "week" is the last week the project's data tells of.

    \b
    feedback digest
    feedback digest --period 2026-W09 --format html -o week9.html
    """
    project, store = open_project(folder)
    with store:
        chosen = newest_period(store, project, period or project.digest.period)
        made = make_digest(store, project, chosen, channels or project.digest.channels)
    lang = lang or project.digest.lang
    aspects = aspect_names(project, lang)
    if form or output:
        _print(render(made, form or _form_of(output), lang, aspects), output)
        return
    written = write_files(made, project.folder / "digests", period_name(chosen), lang, aspects)
    _print(render(made, "md", lang, aspects), None)
    click.echo("Written: " + ", ".join(str(path) for path in written.values()), err=True)


def _form_of(output: Path | None) -> str:
    suffix = output.suffix.lstrip(".").lower() if output else ""
    return suffix if suffix in FORMATS else "md"


def _print(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        write_text(output, text)
        click.echo(f"Written: {output}", err=True)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@pass_folder
def verify(folder: Path, file: Path) -> None:
    """Recompute every figure and quote of a digest.

    Builds the digest's figures anew from the project's database and compares them one by one. Exits 1 and names what
    does not hold.

    \b
    feedback verify digests/2026-W09.json
    """
    try:
        claimed = from_json(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DigestError(f"There is no file {file}. Digests are in the project's folder digests/.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DigestError(f"{file} can't be read: {error}") from error
    _, store = open_project(folder)
    with store:
        _report(store, file, claimed)


def _report(store: Store, file: Path, claimed: Digest) -> None:
    from feedback.digest.verify import verify as verify_digest

    mismatches = verify_digest(claimed, store.connection)
    for mismatch in mismatches:
        click.echo(f"{mismatch.path}: the digest says {mismatch.said}, the database {mismatch.found}")
    if mismatches:
        click.echo(f"{file}: {len(mismatches)} statements do not hold.", err=True)
        sys.exit(1)
    click.echo(f"{file}: every figure and quote holds.")
