"""Writes docs/cli.md from the commands' own help; `--check` fails when it is not up to date."""

import sys
from pathlib import Path

import click

from feedback.cli import cli

TARGET = Path(__file__).parent / "cli.md"


def commands(command: click.Command, name: str, parent: click.Context | None) -> list[str]:
    sizes = {"max_content_width": 100, "terminal_width": 100}
    context = click.Context(command, info_name=name, parent=parent, **{**sizes, **command.context_settings})
    pages = [f"## {context.command_path}\n\n```\n{command.get_help(context)}\n```\n"]
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None:
                pages += commands(found, child, context)
    return pages


def main() -> None:
    text = "# Commands\n\nGenerated from `--help` by `make docs`.\n\n" + "\n".join(commands(cli, "feedback", None))
    if "--check" in sys.argv:
        if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
            sys.exit("docs/cli.md is out of date. Run: make docs")
        return
    TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
