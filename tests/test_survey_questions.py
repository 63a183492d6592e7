"""What the wording of a survey's question is said to ask for. All wordings are made up."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from nlp import survey_questions
from nlp.errors import EngineError
from nlp.fast import weights
from nlp.survey_questions import asked_for

DEV = Path(survey_questions.__file__).parent / "training" / "labels" / "survey_questions_dev.tsv"


@pytest.mark.parametrize(
    ("wording", "details", "identity", "words"),
    [
        ("您的姓名", True, True, False),
        ("怎么称呼您？", True, True, False),
        ("联系电话：", True, False, False),
        ("遇到了什么问题？请留下您的电话，方便我们回复", True, False, True),
        ("请写明您的诉求以及您的姓名、住址", True, True, True),
    ],
)
def test_a_question_asks_for_details(wording: str, details: bool, identity: bool, words: bool) -> None:
    asked = asked_for(wording)
    assert (asked.details > 0.5, asked.identity > 0.5, asked.words > 0.5) == (details, identity, words)


@pytest.mark.parametrize(
    "wording", ["您的建议", "您最不喜欢这部手机的哪一点", "拨打客服电话时遇到了什么问题", "给我们的吉祥物起个名字", ""]
)
def test_a_question_that_only_speaks_of_details_asks_for_none(wording: str) -> None:
    assert asked_for(wording).details < 0.5


def test_of_the_questions_that_real_surveys_have_hardly_one_is_misjudged() -> None:
    with DEV.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    wrong = [wording for label, wording in rows if (asked_for(wording).details > 0.5) != (label != "w")]
    assert len(rows) == 400
    assert len(wrong) <= 8, wrong


def test_weights_that_are_missing_or_damaged_say_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for content in (b"", b"PK", _written(weights=np.zeros((1, 3), dtype=np.int8))):
        (tmp_path / "models").mkdir(exist_ok=True)
        (tmp_path / "models" / survey_questions.WEIGHTS).write_bytes(content)
        monkeypatch.setattr(weights.resources, "files", lambda _: tmp_path)
        survey_questions._shipped.cache_clear()
        with pytest.raises(
            EngineError, match=r"^The weights survey_questions\.npz are damaged\. Reinstall yuansheng\.$"
        ):
            asked_for("姓名")
    (tmp_path / "models" / survey_questions.WEIGHTS).unlink()
    with pytest.raises(EngineError, match=r"^The weights survey_questions\.npz are missing\. Reinstall yuansheng\.$"):
        asked_for("姓名")
    survey_questions._shipped.cache_clear()


def _written(**arrays: np.ndarray) -> bytes:  # type: ignore[type-arg]
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()
