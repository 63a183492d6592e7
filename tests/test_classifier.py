"""A project's own sentiment model, on a checkpoint of a few numbers that the test trains and saves itself."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from feedback.project import load_project
from nlp.config import PipelineConfig, pipeline_version
from nlp.engine import load_engine
from nlp.errors import EngineError
from nlp.sentiment_model import SentimentModel

LABELS = (("schlecht", "negative"), ("gut", "positive"))
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "好", "差", "慢", "快", "物", "流", "，")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of one layer that was taught that 好 and 快 are good, 差 and 慢 are not."""
    torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch installs it and runs these")
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("checkpoint")
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    tokens = transformers.BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=24)
    torch.manual_seed(3)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=24,
        id2label={0: "gut", 1: "schlecht"},
        label2id={"gut": 0, "schlecht": 1},
    )
    model = transformers.BertForSequenceClassification(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    batch = tokens(["物流快", "物流慢", "好", "差"], padding=True, return_tensors="pt")
    for _ in range(60):
        optimizer.zero_grad()
        model(**batch, labels=torch.tensor([0, 1, 0, 1])).loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    tokens.save_pretrained(folder)
    return folder


def test_the_sentiment_is_the_classifiers_and_the_rest_the_engines(folder: Path) -> None:
    engine = load_engine("fast", SentimentModel(str(folder), LABELS))
    texts = ["物流快", "物流慢", "差，差", "物流快"]
    marks, plain = engine.mark(texts), load_engine("fast").mark(texts)
    assert [m.sentiment for m in marks] == ["positive", "negative", "negative", "positive"]
    assert [m.sentiment_score > 0.5 for m in marks] == [True, False, False, True]
    assert [m.sentiment_confidence == pytest.approx((abs(m.sentiment_score) + 1) / 2, abs=1e-3) for m in marks] == [
        True
    ] * 4
    assert [(m.intent, m.intent_confidence, m.stage, m.stage_confidence) for m in marks] == [
        (m.intent, m.intent_confidence, m.stage, m.stage_confidence) for m in plain
    ]
    assert [engine.mark([text])[0] for text in texts] == marks
    assert engine.name == "fast+classifier"
    assert engine.mark([]) == []


def test_a_long_text_is_read_to_its_end(folder: Path) -> None:
    engine = load_engine("fast", SentimentModel(str(folder), LABELS))
    good, bad = engine.mark(["，" * 30 + "好" * 60, "，" * 30 + "差" * 60])
    assert (good.sentiment, bad.sentiment) == ("positive", "negative")


def test_the_version_names_model_and_labels(folder: Path, tmp_path: Path) -> None:
    said = SentimentModel(str(folder), LABELS)
    swapped = SentimentModel(str(folder), (("schlecht", "positive"), ("gut", "negative")))
    versions = {pipeline_version(PipelineConfig(engine="fast", sentiment=each)) for each in (None, said, swapped)}
    assert len(versions) == 3
    same, other = (shutil.copytree(folder, tmp_path / name) for name in ("same", "other"))
    with (other / "config.json").open("a") as file:
        file.write("\n")
    mine, of_same, of_other = (
        load_engine("fast", SentimentModel(str(each), LABELS)).version for each in (folder, same, other)
    )
    assert mine == of_same != of_other


@pytest.mark.parametrize(
    "labels, message",
    [
        (
            (("gut", "positive"),),
            "It is not known what the label 'schlecht' of the sentiment model {folder} means. Its labels are gut, schlecht: say "
            "under [sentiment] labels which is negative, neutral, positive.",
        ),
        (
            (*LABELS, ("so so", "neutral")),
            "The sentiment model {folder} has no label 'so so'. Its labels are gut, schlecht.",
        ),
    ],
)
def test_labels_that_do_not_fit_are_told(folder: Path, labels: tuple[tuple[str, str], ...], message: str) -> None:
    with pytest.raises(EngineError) as caught:
        load_engine("fast", SentimentModel(str(folder), labels))  # type: ignore[arg-type]
    assert str(caught.value) == message.format(folder=folder)


def test_a_model_that_is_nowhere_is_told_of_offline(folder: Path) -> None:  # noqa: ARG001
    code = (
        "from nlp.engine import load_engine; from nlp.sentiment_model import SentimentModel\n"
        "load_engine('fast', SentimentModel('nobody/nothing'))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=Path(__file__).parent.parent,
        env={"HF_HUB_OFFLINE": "1", "PATH": "", "HF_HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(
        "nlp.errors.EngineError: No sentiment model 'nobody/nothing': there is no such folder, it was not downloaded before, "
        "and the hub does not give it ("
    )
    assert last.endswith("). Download it where there is a network, and name its folder.")


def test_a_folder_that_is_no_model_is_told_of(folder: Path, tmp_path: Path) -> None:  # noqa: ARG001
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(EngineError, match=f"The sentiment model in {tmp_path} can't be loaded: "):
        load_engine("fast", SentimentModel(str(tmp_path)))


def test_without_pytorch_the_message_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(EngineError) as caught:
        load_engine("fast", SentimentModel("somebody/something"))
    assert (
        str(caught.value) == "A sentiment model needs PyTorch, which is not installed: pip install 'yuansheng[torch]'."
    )


def test_a_project_names_its_model(tmp_path: Path) -> None:
    settings = '[sentiment]\nmodel = "{}"\n[sentiment.labels]\nLABEL_0 = "negative"\nLABEL_1 = "positive"\n'
    (tmp_path / "feedback.toml").write_text(settings.format("somebody/something"), encoding="utf-8")
    pairs = (("LABEL_0", "negative"), ("LABEL_1", "positive"))
    assert load_project(tmp_path).sentiment == SentimentModel("somebody/something", pairs)
    (tmp_path / "mine").mkdir()
    (tmp_path / "feedback.toml").write_text(settings.format("mine"), encoding="utf-8")
    found = load_project(tmp_path).sentiment
    assert found == SentimentModel(str(tmp_path / "mine"), pairs)
    assert json.loads(json.dumps(PipelineConfig(sentiment=found).sentiment.labels)) == [list(pair) for pair in pairs]
