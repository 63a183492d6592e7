"""Writes a trained encoder as one ONNX graph: tokens in; the logits of every head and the embedding out.

    python -m nlp.training.encoder.export --model runs/encoder/first --out runs/encoder/first/onnx [--data DIR]

Inputs `tokens` and `mask` are int64 `(texts, length)`; outputs `sentiment`, `emotion`, `intent`, `stage` are logits `(texts, classes)`, `embedding`
unit vectors `(texts, 384)`. `encoder.onnx` is float32 with the transformer's usual patterns fused, `encoder.int8.onnx` has its matrices in 8 bits,
quantised per channel, activations as they come. `encoder.json` names the graph that `nlp.encoder` runs. With `--data` both are compared with each
other and timed on 1,000 reviews.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.optimizer import optimize_model
from torch import nn
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from nlp.encoder.reader import DESCRIPTION
from nlp.probabilities import Floats
from nlp.training.encoder.batches import head_and_tail, padded
from nlp.training.encoder.model import CLASSES, Encoder, load, opened
from nlp.training.encoder.texts import rows

OUTPUTS = (*CLASSES, "embedding")
_OPSET = 17
_TIMED = 1000
_LONGEST = 96


class Graph(nn.Module):
    """The encoder with its outputs in a row, as a graph must have them."""

    def __init__(self, model: Encoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
        said = self.model(tokens, mask)
        return tuple(said[name] for name in OUTPUTS)


def export(model: Encoder, folder: Path) -> tuple[Path, Path]:
    """Writes the float32 and the int8 graph; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    raw, whole, small = (folder / name for name in ("encoder.raw.onnx", "encoder.onnx", "encoder.int8.onnx"))
    tokens = torch.randint(5, 1000, (2, 16))
    mask = torch.ones_like(tokens)
    mask[1, 10:] = 0
    names = ["tokens", "mask"]
    axes = {name: {0: "texts", 1: "length"} for name in names} | {name: {0: "texts"} for name in OUTPUTS}
    torch.onnx.export(
        Graph(model).eval(),
        (tokens, mask),
        str(raw),
        input_names=names,
        output_names=list(OUTPUTS),
        dynamic_axes=axes,
        opset_version=_OPSET,
        dynamo=False,
    )
    config = model.body.config
    optimised = optimize_model(
        str(raw), model_type="bert", num_heads=config.num_attention_heads, hidden_size=config.hidden_size, opt_level=0
    )
    optimised.save_model_to_file(str(whole))
    raw.unlink()
    print({name: count for name, count in optimised.get_fused_operator_statistics().items() if count})
    # Shapes cannot be inferred through fused operators; every tensor between them is float32.
    extra = {"DefaultTensorType": onnx.TensorProto.FLOAT}
    quantize_dynamic(whole, small, per_channel=True, weight_type=QuantType.QInt8, extra_options=extra)
    return whole, small


def describe(graph: Path) -> None:
    """Writes what `nlp.encoder.reader` needs to know; nothing is calibrated yet."""
    said = {
        "graph": graph.name,
        "classes": {name: list(classes) for name, classes in CLASSES.items()},
        "temperatures": dict.fromkeys(CLASSES, 1.0),
        "offsets": {name: [0.0] * len(classes) for name, classes in CLASSES.items()},
    }
    (graph.parent / DESCRIPTION).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def session(path: Path, threads: int = 2) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(model: onnxruntime.InferenceSession, ids: Sequence[list[int]], pad: int, size: int = 32) -> dict[str, Floats]:
    """What every output says of every text; texts of similar length run together."""
    order = sorted(range(len(ids)), key=lambda n: len(ids[n]))
    found: dict[str, list[Floats]] = {name: [] for name in OUTPUTS}
    for start in range(0, len(order), size):
        tokens, mask = padded([ids[n] for n in order[start : start + size]], pad)
        said = model.run(list(OUTPUTS), {"tokens": tokens.numpy(), "mask": mask.numpy()})
        for name, values in zip(OUTPUTS, said, strict=True):
            found[name].append(values)
    back = np.argsort(order)
    return {name: np.concatenate(values)[back] for name, values in found.items()}


def compared(paths: tuple[Path, Path], tokens: PreTrainedTokenizerFast, texts: Sequence[str]) -> dict[str, float]:
    """Texts a second of both graphs, tokenising included, and how far the small one strays from the whole one."""
    pad = int(tokens.pad_token_id)
    figures: dict[str, float] = {}
    said = {}
    for path in paths:
        model = session(path)
        run(model, [[0, 2]] * 64, pad)
        since = time.perf_counter()
        ids = [head_and_tail(e.ids, _LONGEST) for e in tokens.backend_tokenizer.encode_batch(list(texts))]
        said[path] = run(model, ids, pad)
        figures[f"{path.name} texts a second"] = len(texts) / (time.perf_counter() - since)
        figures[f"{path.name} MB"] = path.stat().st_size / 1e6
    whole, small = (said[path] for path in paths)
    for name in CLASSES:
        figures[f"{name}: same class"] = float((whole[name].argmax(1) == small[name].argmax(1)).mean())
    figures["embedding: least cosine"] = float((whole["embedding"] * small["embedding"]).sum(axis=1).min())
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model", type=Path, required=True, help="a training's folder, or the pruned base's: fresh heads then"
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder to write the graphs to")
    parser.add_argument("--graph", choices=("float32", "int8"), default="int8", help="the graph to be run")
    parser.add_argument("--data", type=Path, help="the folder of the labelled data, to compare and time on")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    trained = (arguments.model / "encoder.pt").exists()
    model = load(arguments.model) if trained else opened(arguments.model).eval()
    paths = export(model, arguments.out)
    tokens = AutoTokenizer.from_pretrained(arguments.model)
    tokens.save_pretrained(arguments.out)
    describe(paths[arguments.graph == "int8"])
    if arguments.data:
        texts = [row["text"] for row in rows(arguments.data / "reviews_binary_dev.jsonl")][::7][:_TIMED]
        figures = compared(paths, tokens, texts)
        print(json.dumps({name: round(value, 4) for name, value in figures.items()}, indent=1))


if __name__ == "__main__":
    main()
