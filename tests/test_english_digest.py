"""A digest in English: every label is, and what customers wrote or users named stays as it is."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from command import run
from fixtures_digest import sample_digest
from small_project import SETTINGS, TAXONOMY, write_project

from feedback.digest.json_form import from_json, to_json
from feedback.digest.make import aspect_names
from feedback.digest.render import to_html, to_markdown
from feedback.journey.model import Digest, Period

CHINESE = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
RENDERERS = [to_html, to_markdown]
SECOND_ASPECT = """
[[aspects]]
name = "客服"
en = "{en}"
stage = "post_purchase"
touchpoint = "客服"
terms = ["客服"]
"""


def aspect_keys(digest: Digest) -> set[str]:
    findings = [f for stage in digest.stages for f in (*stage.pain_points, *stage.highlights)]
    changed = [change.name for change in digest.changes if change.subject == "aspect"]
    return {f.aspect for f in findings} | set(changed) | {x.aspect for x in digest.disagreements}


def without_chinese_but_in_aspects(digest: Digest) -> Digest:
    """The digest with what is in the user's or the customers' own words made ASCII, and its aspects as they are."""
    text = to_json(digest)
    keys = sorted(aspect_keys(digest), key=len, reverse=True)
    for number, key in enumerate(keys):
        text = text.replace(f'"{key}"', f'"KEY{number}"')
    text = CHINESE.sub("x", text)
    for number, key in enumerate(keys):
        text = text.replace(f'"KEY{number}"', f'"{key}"')
    return from_json(text)


@pytest.mark.parametrize("render", RENDERERS)
def test_an_aspect_is_called_by_its_english_name_wherever_it_stands(render: Callable[..., str]) -> None:
    digest = without_chinese_but_in_aspects(sample_digest())
    names = {key: f"Aspect {number}" for number, key in enumerate(sorted(aspect_keys(digest)))}
    assert len(names) > 3
    shown = render(digest, "en", names)
    assert CHINESE.findall(shown) == []
    assert [name for name in names.values() if not re.search(rf"{name}\b", shown)] == []


@pytest.mark.parametrize("render", RENDERERS)
def test_an_aspect_without_an_english_name_keeps_its_own(render: Callable[..., str]) -> None:
    digest = without_chinese_but_in_aspects(sample_digest())
    shown = render(digest, "en", {"物流": "Delivery"})
    assert "物流" not in shown
    assert "客服响应" in shown


def test_the_name_of_an_aspect_is_escaped_like_everything_else() -> None:
    names = {"物流": "<b>|Delivery*"}
    assert "&lt;b&gt;|Delivery*" in to_html(sample_digest(), "en", names)
    assert "<b>|" not in to_html(sample_digest(), "en", names)
    assert r"\<b>\|Delivery\*" in to_markdown(sample_digest(), "en", names)


def test_the_names_are_those_of_the_projects_taxonomy(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    assert aspect_names(project, "en") == {"物流": "Delivery"}
    assert aspect_names(project, "zh") == {}


def test_two_aspects_of_one_english_name_are_told_apart(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    (tmp_path / "taxonomy.toml").write_text(TAXONOMY + SECOND_ASPECT.format(en="Delivery"), encoding="utf-8")
    assert aspect_names(project, "en") == {"物流": "Delivery (物流)", "客服": "Delivery (客服)"}


LATE = "磨豆机,物流太慢了，第{n}天才到,2026-02-24 10:0{n}:00,浙江,白\n"


@pytest.fixture
def late(tmp_path: Path) -> Path:
    """A project whose customers complain about delivery often enough for it to be ranked."""
    write_project(tmp_path, SETTINGS)
    with (tmp_path / "data" / "reviews.csv").open("a", encoding="utf-8") as file:
        file.writelines(LATE.format(n=n) for n in range(3, 10))
    run("collect", project=tmp_path)
    run("analyze", project=tmp_path)
    return tmp_path


def test_the_printed_and_the_written_digest_have_english_aspects_and_the_json_the_keys(late: Path) -> None:
    ran = run("digest", "--period", "2026-W09", "--lang", "en", project=late)
    assert "Most complained about: Purchase · Delivery (8 of 8 negative)." in ran.out
    assert "\n1. **Delivery** 100.0% negative" in ran.out
    page = (late / "digests" / "2026-W09.html").read_text(encoding="utf-8")
    assert "<bdi>Delivery</bdi>" in page
    assert "<bdi>物流</bdi>" not in page
    stages = json.loads((late / "digests" / "2026-W09.json").read_text(encoding="utf-8"))["stages"]
    assert [f["aspect"] for stage in stages for f in stage["pain_points"]] == ["物流"]
    printed = run("digest", "--period", "2026-W09", "--lang", "en", "--format", "html", project=late)
    assert printed.out.count("<bdi>Delivery</bdi>") == 1
    assert "抱怨最集中：购买决策·物流" in run("digest", "--period", "2026-W09", project=late).out


def test_a_stretch_of_days_is_spoken_of_in_a_sentence_that_can_be_read() -> None:
    digest = sample_digest()
    days = replace(digest.parameters, period=Period("range", "2026-02-23", "2026-02-26"))
    shown = to_markdown(replace(digest, parameters=days), "en")
    assert "512 verbatims came in this period (470 effective), from 5 channels." in shown
