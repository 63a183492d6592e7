"""feedback init"""

from importlib import resources
from pathlib import Path

import click

from feedback.errors import ProjectError
from feedback.project import SETTINGS_FILE, is_timezone
from nlp.taxonomy import builtin_taxonomies, builtin_text


@click.command()
@click.argument("name")
@click.option(
    "--taxonomy",
    default="retail",
    show_default=True,
    type=click.Choice(builtin_taxonomies()),
    help="The built-in taxonomy to start from.",
)
@click.option("--timezone", default="Asia/Shanghai", show_default=True, help="The time zone dates are in.")
def init(name: str, taxonomy: str, timezone: str) -> None:
    """Make a project folder.

    Writes feedback.toml, explained line by line, and taxonomy.toml, a copy to edit. Nothing that is there is overwritten.

    \b
    feedback init shop
    feedback init 酒店原声 --taxonomy hotel
    """
    if not is_timezone(timezone):
        raise click.BadParameter(
            f"no time zone named '{timezone}'. Write it like Asia/Shanghai.", param_hint="--timezone"
        )
    folder = Path(name)
    template = (resources.files("feedback") / "project_template.toml").read_text(encoding="utf-8")
    own_name = folder.resolve().name.encode("utf-8", "backslashreplace").decode()  # a folder's name need not be UTF-8
    settings = template.replace("{name}", _escaped(own_name)).replace("{timezone}", _escaped(timezone))
    files = {folder / SETTINGS_FILE: settings, folder / "taxonomy.toml": builtin_text(taxonomy)}
    # Asked before anything is written, so that a refusal leaves no half-made project.
    if there := next((path for path in files if path.exists()), None):
        raise ProjectError(f"{there} is already there; nothing was overwritten.")
    try:
        (folder / "data").mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            with path.open("x", encoding="utf-8") as new:
                new.write(text)
    except OSError as error:
        raise ProjectError(f"{folder} can't be written: {error.strerror}.") from error
    click.echo(f"Made {folder}/ with feedback.toml, taxonomy.toml and data/.")
    click.echo(f"Next: put your exports into {folder}/data and name them under [[sources]] in {folder}/feedback.toml.")
    click.echo(f"Then: cd {folder} && feedback collect && feedback analyze && feedback digest")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
