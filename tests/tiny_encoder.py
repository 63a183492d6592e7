"""An encoder of a few numbers in a folder, made by hand: it says what the tokens in a text say, on average."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from nlp.marks import EMOTIONS, INTENTS, SENTIMENTS, STAGES

CLASSES = {"sentiment": SENTIMENTS, "emotion": EMOTIONS, "intent": INTENTS, "stage": STAGES}
WORDS = ("<s>", "</s>", "<unk>", "好", "差", "物", "流", "慢", "快", "，", "。", "吗", "？", "买")
WIDTH = 8


def make_encoder(folder: Path, **changes: object) -> Path:
    """Weights are drawn with a fixed seed. `changes` replace what `encoder.json` says."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    onnx.save(_lower(rng), folder / "lower.onnx")
    onnx.save(_upper(rng), folder / "upper.onnx")
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    said = {
        "lower": "lower.onnx",
        "upper": "upper.onnx",
        "classes": CLASSES,
        "steps": steps(),
        "traditional": {"slope": 0.5, "negative": 0.0, "positive": 0.0},
    }
    (folder / "encoder.json").write_text(json.dumps(said | changes), encoding="utf-8")
    return folder


def steps(**changes: object) -> dict[str, dict[str, dict[str, object]]]:
    """The last layer alone counts, and nobody before is sure; `changes` are of every step of every question."""
    return {
        who: {
            question: {"weights": {who: 1.0}, "offsets": [0.0] * len(classes), "sure": 2.0} | changes
            for question, classes in CLASSES.items()
        }
        for who in ("fast", "exit", "last")
    }


def _heads(rng: np.random.Generator) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """From `hidden` by its mean to the logits of every question."""
    nodes = [helper.make_node("ReduceMean", ["hidden"], ["mean"], axes=[1], keepdims=0)]
    nodes += [helper.make_node("MatMul", ["mean", f"{name}.weight"], [name]) for name in CLASSES]
    weights = [
        numpy_helper.from_array(rng.normal(size=(WIDTH, len(c))).astype(np.float32) * 3, f"{name}.weight")
        for name, c in CLASSES.items()
    ]
    return nodes, weights


def _lower(rng: np.random.Generator) -> onnx.ModelProto:
    """tokens -> their vectors -> heads."""
    table = numpy_helper.from_array(rng.normal(size=(len(WORDS), WIDTH)).astype(np.float32), "table")
    nodes, weights = _heads(rng)
    tokens = helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, "length"])
    gather = helper.make_node("Gather", ["table", "tokens"], ["hidden"])
    return _model([gather, *nodes], [tokens], [_hidden(), *_logits()], [table, *weights])


def _upper(rng: np.random.Generator) -> onnx.ModelProto:
    """those vectors -> other heads, and the mean as the embedding."""
    nodes, weights = _heads(rng)
    nodes.append(helper.make_node("LpNormalization", ["mean"], ["embedding"], axis=-1, p=2))
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, WIDTH])
    return _model(nodes, [_hidden()], [*_logits(), embedding], weights)


def _hidden() -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info("hidden", TensorProto.FLOAT, [1, "length", WIDTH])


def _logits() -> list[onnx.ValueInfoProto]:
    return [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, len(c)]) for name, c in CLASSES.items()]


def _model(
    nodes: list[onnx.NodeProto],
    takes: list[onnx.ValueInfoProto],
    gives: list[onnx.ValueInfoProto],
    weights: list[onnx.TensorProto],
) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "tiny", takes, gives, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
