"""An encoder of a few numbers in a folder, made by hand: it says what the tokens in a text say, on average."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from nlp.marks import INTENTS, SENTIMENTS, STAGES

CLASSES = {"sentiment": SENTIMENTS, "intent": INTENTS, "stage": STAGES}
WORDS = ("<s>", "</s>", "<unk>", "好", "差", "物", "流", "慢", "快", "，", "。", "吗", "？", "买")
WIDTH = 8


def make_encoder(folder: Path, **changes: object) -> Path:
    """Weights are drawn with a fixed seed. `changes` replace what `encoder.json` says."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    onnx.save(_graph(rng), folder / "encoder.onnx")
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    said = {
        "graph": "encoder.onnx",
        "classes": CLASSES,
        "temperatures": dict.fromkeys(CLASSES, 1.0),
        "offsets": {name: [0.0] * len(classes) for name, classes in CLASSES.items()},
    }
    (folder / "encoder.json").write_text(json.dumps(said | changes), encoding="utf-8")
    return folder


def _graph(rng: np.random.Generator) -> onnx.ModelProto:
    """tokens -> their vectors -> the mean of those the mask keeps -> a matrix for every question."""
    table = rng.normal(size=(len(WORDS), WIDTH)).astype(np.float32)
    heads = {name: rng.normal(size=(WIDTH, len(c))).astype(np.float32) * 3 for name, c in CLASSES.items()}
    weights = [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([1]), "one")]
    weights += [numpy_helper.from_array(matrix, f"{name}.weight") for name, matrix in heads.items()]
    nodes = [
        helper.make_node("Gather", ["table", "tokens"], ["vectors"]),
        helper.make_node("Cast", ["mask"], ["kept"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["kept", "last"], ["wide"]),
        helper.make_node("Mul", ["vectors", "wide"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "one"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["kept", "one"], ["count"], keepdims=1),
        helper.make_node("Div", ["sum", "count"], ["mean"]),
        *(helper.make_node("MatMul", ["mean", f"{name}.weight"], [name]) for name in heads),
        helper.make_node("LpNormalization", ["mean"], ["embedding"], axis=-1, p=2),
    ]
    weights.append(numpy_helper.from_array(np.array([2]), "last"))
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "length"]) for name in ("tokens", "mask")
    ]
    widths = {name: len(classes) for name, classes in CLASSES.items()} | {"embedding": WIDTH}
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["texts", width]) for name, width in widths.items()
    ]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
