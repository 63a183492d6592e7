"""The `feedback` command. Each subcommand lives in a module of its own, imported when it is called."""

import errno
import io
import sys
from importlib import import_module
from pathlib import Path

import click

# Command -> module in this package that holds it as a function of the same name, - being _ there.
_COMMANDS = {
    "analyze": "analyze",
    "browse": "browse",
    "collect": "collect",
    "digest": "digest",
    "doctor": "doctor",
    "evaluate": "evaluate",
    "init": "init",
    "rejects": "status",
    "schedule": "schedule",
    "score": "score",
    "search": "search",
    "serve-intake": "serve_intake",
    "status": "status",
    "taxonomy": "taxonomy",
    "topics": "topics",
    "verify": "digest",
}

# Shown by --help without importing the modules; a test holds them equal to the commands' own first lines.
_SUMMARIES = {
    "analyze": "Mark every verbatim that has no marks yet.",
    "browse": "Open the project's database in the browser.",
    "collect": "Collect verbatims from files and interfaces into the project's database.",
    "digest": "Write the digest of a period, stage by stage of the customer journey.",
    "doctor": "Check this machine and this project, or examine a file before it is collected.",
    "evaluate": "Measure the engine against labelled texts.",
    "init": "Make a project folder.",
    "rejects": "List rows that could not be used, and why.",
    "schedule": "Collect, analyse, write and send digests by the clock.",
    "score": "Mark texts from standard input, without a database.",
    "search": "Find verbatims by their words.",
    "serve-intake": "Take in feedback that webhooks and forms on a page send, until Ctrl+C.",
    "status": "Show what the project holds and what it did last.",
    "taxonomy": "Check the aspects a project listens for.",
    "topics": "Find out what customers talk about that nobody thought to list.",
    "verify": "Recompute every figure and quote of a digest.",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"feedback.cli.{_COMMANDS[cmd_name]}")
        command = getattr(module, cmd_name.replace("-", "_"))
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and name not in _COMMANDS and not name.startswith("-"):
            ctx.fail(f"No command named '{name}'. Known: {', '.join(sorted(_COMMANDS))}.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, _SUMMARIES[name]) for name in sorted(_COMMANDS)])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="yuansheng", prog_name="feedback")
@click.option(
    "--project",
    "-p",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    envvar="FEEDBACK_PROJECT",
    help="The project's folder. Default: the current one, or $FEEDBACK_PROJECT.",
)
@click.pass_context
def cli(ctx: click.Context, project: Path) -> None:
    """Mine Chinese customer feedback (客户原声) into a digest of the customer journey, on your own machine.

    \b
    feedback init shop && cd shop
    feedback collect && feedback analyze && feedback digest
    """
    ctx.obj = project


def main() -> None:
    """Entry point: expected errors become one line and exit 1; anything else keeps its traceback."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # an emoji on a terminal in GBK
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("Stopped. What was done so far is kept.", err=True)
        sys.exit(130)
    except OSError as error:
        # Errors about a file name it or are translated where it is opened: this one is about our output.
        if error.filename is not None or error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
            raise
        click.echo(f"Error: The output can't be written: {error.strerror}.", err=True)
        sys.exit(1)
    except Exception as error:
        if not _expected(error):
            raise
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


def _expected(error: Exception) -> bool:
    """Whether the error is one of the product's own. Judged by name, so that no package is loaded to ask."""
    names = {f"{cls.__module__}.{cls.__qualname__}" for cls in type(error).__mro__}
    return bool(names & {"feedback.errors.FeedbackError", "storage.errors.StorageError", "nlp.errors.NlpError"})
