"""feedback browse"""

from pathlib import Path

import click

from feedback.cli.common import pass_folder
from feedback.project import load_project


@click.command()
@click.option("--port", default=8001, show_default=True, type=click.IntRange(1, 65535), help="Port on this machine.")
@click.option("--no-open", is_flag=True, help="Don't open the browser.")
@pass_folder
def browse(folder: Path, port: int, no_open: bool) -> None:
    """Open the project's database in the browser.

    Datasette on this machine alone: tables and ready-made questions explained, search that finds Chinese words. Ctrl+C ends it.

    \b
    feedback browse
    feedback browse --port 8010 --no-open
    """
    from feedback.browse import browse as serve

    project = load_project(folder)
    serve(project.database, project.name, port, not no_open)
