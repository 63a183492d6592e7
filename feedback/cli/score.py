"""feedback score"""

import json
import sys
from io import BufferedReader
from typing import Any, cast

import click

from nlp.engine import DEFAULT_ENGINE


@click.command()
@click.option("--plain", is_flag=True, help="Input is one text a line instead of JSON Lines.")
@click.option(
    "--whole", is_flag=True, help="Treat each text as one segment; stage and intent stand at the top level too."
)
@click.option("--taxonomy", default="retail", show_default=True, help="A built-in taxonomy's name or a TOML file.")
@click.option("--engine", default=DEFAULT_ENGINE, show_default=True, help="The engine that marks.")
def score(plain: bool, whole: bool, taxonomy: str, engine: str) -> None:
    """Mark texts from standard input, without a database.

    Reads JSON Lines with a "text" key (other keys are echoed) and writes JSON Lines in the same order. A line that can't
    be used yields {"error": …} in its place, and exit 1 at the end.

    \b
    feedback score < texts.jsonl > marks.jsonl
    echo 物流太慢了，但是客服很好 | feedback score --plain --taxonomy retail
    """
    from feedback.score import lines_as_they_come, score_lines
    from nlp.config import PipelineConfig
    from nlp.pipeline import load_pipeline

    pipeline = load_pipeline(PipelineConfig(taxonomy=taxonomy, engine=engine, whole=whole))
    failed = False
    lines = lines_as_they_come(cast(BufferedReader, sys.stdin.buffer))
    for answer in score_lines(lines, pipeline, plain=plain):
        failed = failed or "error" in answer
        click.echo(_json_line(answer))
    if failed:
        sys.exit(1)


def _json_line(answer: dict[str, Any]) -> bytes:
    """UTF-8 whatever the terminal's encoding. Half a character (a lone surrogate) that is echoed goes out escaped, as it came in."""
    try:
        return json.dumps(answer, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(answer).encode()
