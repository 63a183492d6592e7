"""feedback analyze"""

import sys
from pathlib import Path

import click

from feedback.cli.common import open_project, pass_folder, progress_bar
from feedback.pipeline import analyze as analyze_project
from feedback.pipeline import awaiting_analysis


@click.command()
@pass_folder
def analyze(folder: Path) -> None:
    """Mark every verbatim that has no marks yet.

    Cuts texts into opinions and marks sentiment, intent, journey stage and aspects. Interrupted, it goes on where it was;
    a changed text, taxonomy or engine is marked anew.

    \b
    feedback analyze
    """
    project, store = open_project(folder)
    with store:
        waiting = awaiting_analysis(store, project)
        with progress_bar("analyze", waiting) as progress:
            done = analyze_project(store, project, progress)
    if not done.verbatims:
        click.echo("Nothing new to analyse.")
        return
    click.echo(f"{done.verbatims:,} verbatims analysed, {done.segments:,} opinions found")
    if done.failed:
        click.echo(f"{done.failed:,} texts could not be analysed (see: feedback status)", err=True)
        sys.exit(1)
