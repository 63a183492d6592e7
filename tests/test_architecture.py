"""Who may import whom, and what a light command must not load."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ("spacy", "jieba", "rjieba", "transformers", "torch", "pandas", "numpy", "pyarrow", "onnxruntime", "datasette")
# What knows text must not know rows, and the other way round; only `feedback` knows both.
FORBIDDEN = {"nlp": {"feedback", "storage"}, "storage": {"feedback", "nlp"}}


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of every module imported anywhere in a file, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            within = path.relative_to(ROOT).with_suffix("").parts[: -node.level] if node.level else ()
            yield node.lineno, ".".join((*within, *([node.module] if node.module else [])))
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in {
            "import_module",
            "__import__",
        }:
            yield from ((node.lineno, str(name.value)) for name in node.args if isinstance(name, ast.Constant))


def files(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert len(found) > 10, f"{package} has moved"
    return found


def test_imports_are_seen_wherever_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    module = tmp_path / "nlp" / "fast" / "engine.py"
    module.parent.mkdir(parents=True)
    module.write_text(
        "import storage.store as s\n"
        "def f():\n"
        "    from feedback.project import Project\n"
        "    from ..training import corpus\n"
        "    from . import features\n"
        "    import_module('storage')\n"
    )
    assert list(imports(module)) == [
        (1, "storage.store"),
        (3, "feedback.project"),
        (4, "nlp.training"),
        (5, "nlp.fast"),
        (6, "storage"),
    ]


@pytest.mark.parametrize("package", sorted(FORBIDDEN))
def test_nlp_and_storage_import_neither_feedback_nor_each_other(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in files(package)
        for line, name in imports(path)
        if name.split(".")[0] in FORBIDDEN[package]
    ]
    assert wrong == []


def test_the_product_imports_no_test_no_benchmark_and_no_training() -> None:
    outside = ("tests", "benchmarks", "examples", "docs", "pytest", "hypothesis", "sklearn", "scipy", "nlp.training")
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for package in ("feedback", "nlp", "storage")
        for path in files(package)
        if ROOT / "nlp" / "training" not in path.parents
        for line, name in imports(path)
        if any(name == other or name.startswith(f"{other}.") for other in outside)
    ]
    assert wrong == []


def loaded_by(*arguments: str) -> set[str]:
    """The heavy packages that `feedback` with these arguments has loaded when it is done."""
    script = (
        "import sys\n"
        f"sys.argv = ['feedback', *{list(arguments)!r}]\n"
        "from feedback.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as exit:\n"
        "    assert not exit.code, exit.code\n"
        f"print('LOADED', *sorted(set(sys.modules) & set({HEAVY!r})))\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.startswith(("Usage: ", "feedback, version "))
    return set(run.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("score", "--help")])
def test_a_light_command_loads_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert loaded_by(*arguments) == set()


def test_the_types_and_the_version_of_analysis_load_neither_spacy_nor_jieba() -> None:
    script = "import sys, nlp.config, nlp.marks, nlp.taxonomy; print({'spacy', 'jieba', 'rjieba'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
