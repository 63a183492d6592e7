"""Every command: its help, its examples, and how it says no."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from command import run
from small_project import write_project

from feedback.cli import _COMMANDS, _SUMMARIES, cli, main
from feedback.errors import FeedbackError
from nlp.errors import NlpError
from storage.errors import StorageError


def walk(command: click.Command, path: tuple[str, ...], parent: click.Context | None) -> Iterator[click.Context]:
    """A context for the command and for each below it."""
    context = click.Context(command, info_name=path[-1], parent=parent, **command.context_settings)
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from walk(child, (*path, name), context)


CONTEXTS = {context.command_path: context for context in walk(cli, ("feedback",), None)}
LEAVES = [path for path, context in CONTEXTS.items() if not isinstance(context.command, click.Group)]


def test_the_commands_are_the_ones_of_the_table() -> None:
    assert {path.split()[1] for path in CONTEXTS if path.count(" ")} == set(_COMMANDS)
    assert {"feedback schedule run", "feedback schedule install", "feedback schedule status"} <= set(CONTEXTS)


@pytest.mark.parametrize("path", CONTEXTS)
def test_a_command_says_what_it_does_and_every_option_what_it_is_for(path: str) -> None:
    command = CONTEXTS[path].command
    first = (command.help or "").strip().split("\n")[0]
    assert re.fullmatch(r"[A-Z].*\.", first)
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{path} {parameter.opts[0]}"
            assert parameter.help.endswith((".", "…", "]")), f"{path} {parameter.opts[0]}"


@pytest.mark.parametrize("name", sorted(_COMMANDS))
def test_the_summary_in_the_list_is_the_commands_own_first_line(name: str) -> None:
    command = CONTEXTS[f"feedback {name}"].command
    assert (command.help or "").strip().split("\n")[0] == _SUMMARIES[name]


def test_no_summary_is_left_over() -> None:
    assert set(_SUMMARIES) == set(_COMMANDS)


def examples(text: str) -> list[list[str]]:
    """The `feedback` calls of a help text, as argument lists: what stands between pipes, ands and redirections."""
    calls = []
    for line in (line.strip() for line in text.split("\n")):
        if not re.match(r"(feedback|echo) ", line):
            continue
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&<>")
        lexer.whitespace_split = True  # else only ASCII makes words
        words = list(lexer)
        for stop in ("|", "&&"):
            words = [";" if word == stop else word for word in words]
        call: list[str] = []
        for word in [*words, ";"]:
            if word == ";":
                if call and call[0] == "feedback":
                    calls.append(call[: next((n for n, w in enumerate(call) if w in "<>"), len(call))])
                call = []
            else:
                call.append(word)
    return calls


EXAMPLES = [(path, call) for path, context in CONTEXTS.items() for call in examples(context.command.help or "")]


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_shows_an_example_of_itself(path: str) -> None:
    assert any(" ".join(call).startswith(path) for own, call in EXAMPLES if own == path)


@pytest.mark.parametrize("call", [call for _, call in EXAMPLES], ids=" ".join)
def test_every_example_is_one_that_can_be_typed(call: list[str]) -> None:
    command: click.Command = cli
    context = CONTEXTS["feedback"]
    rest = call[1:]
    while isinstance(command, click.Group) and (rest or not command.invoke_without_command):
        _, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command = found
    assert command.make_context(call[-1], list(rest), parent=context).params is not None


def test_an_example_that_can_not_be_typed_would_be_noticed() -> None:
    assert examples("text\nfeedback init shop && cd shop\necho x | feedback score --plain > y") == [
        ["feedback", "init", "shop"],
        ["feedback", "score", "--plain"],
    ]
    with pytest.raises(click.UsageError):
        test_every_example_is_one_that_can_be_typed(["feedback", "search", "--limmit", "5", "物流"])


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_lists_every_command(flag: str) -> None:
    ran = run(flag)
    assert (ran.code, ran.err) == (0, "")
    assert re.findall(r"^  ([a-z][a-z-]*) +[A-Z]", ran.out, re.MULTILINE) == sorted(_COMMANDS)


def test_the_version_is_the_packages() -> None:
    ran = run("--version")
    assert re.fullmatch(r"feedback, version \d+\.\d+\.\d+\n", ran.out)


MISUSE = [
    (["serch", "物流"], f"Error: No command named 'serch'. Known: {', '.join(sorted(_COMMANDS))}."),
    (["schedule", "rnu"], "Error: No such command 'rnu'. Did you mean 'run'?"),
    (["search"], "Error: Missing argument 'QUERY...'."),
    (["search", "物流", "--limit", "0"], "Error: Invalid value for '--limit': 0 is not in the range x>=1."),
    (["search", "--limt", "5", "物流"], "Error: No such option '--limt'. Did you mean '--limit'?"),
    (["digest", "--format", "pdf"], "Error: Invalid value for '--format': 'pdf' is not one of 'md', 'html', 'json'."),
    (["verify"], "Error: Missing argument 'FILE'."),
    (["browse", "--port", "99999"], "Error: Invalid value for '--port': 99999 is not in the range 1<=x<=65535."),
    (["init", "x", "--taxonomy", "zoo"], None),
    (
        ["init", "x", "--timezone", "Mars"],
        "Error: Invalid value for --timezone: no time zone named 'Mars'. Write it like Asia/Shanghai.",
    ),
    (["collect", "table"], "Error: Say which files: feedback collect table FILE …"),
]


@pytest.mark.parametrize("arguments, message", MISUSE)
def test_misuse_is_said_in_one_sentence_and_exits_2(tmp_path: Path, arguments: list[str], message: str | None) -> None:
    write_project(tmp_path / "shop")
    ran = run(*arguments, project=tmp_path / "shop")
    assert (ran.code, ran.out) == (2, "")
    said = ran.err.strip().split("\n")[-1]
    assert said.startswith("Error: ")
    assert message is None or said == message


def test_a_folder_that_is_no_project_is_one_line_and_exit_1(tmp_path: Path) -> None:
    for arguments in (
        ["collect"],
        ["analyze"],
        ["digest"],
        ["search", "物流"],
        ["status"],
        ["rejects"],
        ["browse"],
        ["schedule", "status"],
    ):
        ran = run(*arguments, project=tmp_path)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err == (
            f"Error: No feedback.toml in {tmp_path}. Make a project with: feedback init NAME, "
            "then go into its folder (cd NAME) or say --project NAME.\n"
        )


@pytest.mark.parametrize("error", [FeedbackError, StorageError, NlpError])
def test_every_package_has_its_errors_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: type[Exception]
) -> None:
    class Special(error):  # type: ignore[misc,valid-type]
        pass

    monkeypatch.setattr(sys, "argv", ["feedback"])
    monkeypatch.setattr("feedback.cli.cli", lambda **_: (_ for _ in ()).throw(Special("什么坏了。")))
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, capsys.readouterr().err) == (1, "Error: 什么坏了。\n")


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["feedback"])
    monkeypatch.setattr("feedback.cli.cli", lambda **_: (_ for _ in ()).throw(KeyError("bug")))
    with pytest.raises(KeyError, match="bug"):
        main()


def test_an_interrupt_says_that_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["feedback"])
    monkeypatch.setattr("feedback.cli.cli", lambda **_: (_ for _ in ()).throw(click.Abort()))
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, capsys.readouterr().err) == (130, "Stopped. What was done so far is kept.\n")


def test_the_module_is_the_command() -> None:
    ran = subprocess.run([sys.executable, "-m", "feedback", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout == run("--version").out
