"""Writes a trained encoder as the two ONNX graphs that `nlp.encoder` runs: the layers up to the early exit, and those above.

    python -m nlp.training.encoder.export --model runs/encoder/first --out runs/encoder/first/onnx [--data DIR]

Both take one text at a time, without padding or a mask. The lower graph takes `tokens`, int64 `(1, length)`, and gives `hidden` `(1, length, width)` and the
exit's logits `(1, classes)` for every question; the upper takes `hidden` and gives the logits of the last layer, `embedding` `(1, width)`, a unit vector, and what the opinion
head says, `tags` `(1, length, 9)`, `links` `(1, length, length)` and `moves` `(2, 3, 3)` (`nlp.encoder.opinions`), and `aspects` `(1, aspects, 4)`, logits.
Written are float32 and 8 bits: matrices quantised per channel, activations as they come. `encoder.json` names the graphs to run and weighs
nothing yet (`calibrate`). With `--data` both are compared with each other and timed on some reviews.
"""

import argparse
import json
import time
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.fusion_options import FusionOptions
from onnxruntime.transformers.optimizer import optimize_model
from torch import nn
from transformers import AutoTokenizer

from nlp.encoder.description import Description, Scale, plain_steps, write_description
from nlp.encoder.reader import Logits, Reader, Reading
from nlp.probabilities import Floats
from nlp.training.aspect_sets import ASPECTS, COMPLETE
from nlp.training.encoder.model import CLASSES, EXIT_LAYER, Encoder, opened
from nlp.training.texts import rows

_OPSET = 17
_TIMED = 500


class Attention(torch.autograd.Function):
    """Attention of a text to itself, without its output matrix; in a graph one operator of ONNX Runtime, `com.microsoft.Attention`."""

    @staticmethod
    def forward(
        _: object, hidden: torch.Tensor, weights: torch.Tensor, biases: torch.Tensor, heads: int
    ) -> torch.Tensor:
        texts, length, width = hidden.shape
        parts = (hidden @ weights + biases).view(texts, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        mixed: torch.Tensor = nn.functional.scaled_dot_product_attention(*parts)
        return mixed.transpose(1, 2).reshape(hidden.shape)

    @staticmethod
    def symbolic(graph: Any, hidden: Any, weights: Any, biases: Any, heads: int) -> Any:
        return graph.op("com.microsoft::Attention", hidden, weights, biases, num_heads_i=heads).setType(hidden.type())


class Layers(nn.Module):
    """Some layers of the body, query, key and value in one matrix each."""

    def __init__(self, layers: Iterable[nn.Module], heads: int) -> None:
        super().__init__()
        self.layers, self.heads = nn.ModuleList(layers), heads
        parts = [[layer.attention.self.query, layer.attention.self.key, layer.attention.self.value] for layer in layers]
        self.weights = nn.ParameterList(torch.cat([part.weight for part in three]).T.contiguous() for three in parts)
        self.biases = nn.ParameterList(torch.cat([part.bias for part in three]) for three in parts)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        for layer, weights, biases in zip(self.layers, self.weights, self.biases, strict=True):
            mixed = layer.attention.output(Attention.apply(hidden, weights, biases, self.heads), hidden)
            hidden = layer.output(layer.intermediate(mixed), mixed)
        return hidden


class Lower(nn.Module):
    """Tokens to the hidden states at the early exit, and what the exit says."""

    def __init__(self, model: Encoder) -> None:
        super().__init__()
        self.embeddings, self.heads = model.body.embeddings, model.exit_heads
        self.layers = Layers(model.body.encoder.layer[:EXIT_LAYER], model.body.config.num_attention_heads)

    def forward(self, tokens: torch.Tensor) -> tuple[torch.Tensor, ...]:
        hidden = self.layers(self.embeddings(input_ids=tokens))
        pooled = hidden.mean(1)
        return hidden, *(self.heads[name](pooled) for name in CLASSES)


class Upper(nn.Module):
    """Those hidden states to what the last layer says, the embedding, and of each token what the opinion head says."""

    def __init__(self, model: Encoder) -> None:
        super().__init__()
        self.heads, self.projection, self.opinions, self.aspects = (
            model.heads,
            model.projection,
            model.opinions,
            model.aspects,
        )
        layers, heads = model.body.encoder.layer, model.body.config.num_attention_heads
        half = (EXIT_LAYER + len(layers)) // 2
        self.below, self.above = Layers(layers[EXIT_LAYER:half], heads), Layers(layers[half:], heads)

    def forward(self, hidden: torch.Tensor) -> tuple[torch.Tensor, ...]:
        middle = self.below(hidden)
        last = self.above(middle)
        pooled = last.mean(1)
        embedding = nn.functional.normalize(self.projection(pooled), dim=-1)
        tags, links, inner = self.opinions((hidden, middle, last))
        aspects = self.aspects(torch.cat([pooled, inner.amax(1), last.amax(1)], -1))
        # A graph has no outputs that are weights.
        moves = self.opinions.moves + tags.sum() * 0
        return *(self.heads[name](pooled) for name in CLASSES), embedding, tags, links, moves, aspects


def export(model: Encoder, folder: Path) -> None:
    """Writes both graphs, in float32 and in 8 bits."""
    folder.mkdir(parents=True, exist_ok=True)
    hidden = torch.randn(1, 16, model.body.config.hidden_size)
    _export(
        Lower(model),
        folder / "lower",
        {"tokens": torch.randint(model.body.config.vocab_size, (1, 16))},
        ["hidden", *CLASSES],
    )
    _export(
        Upper(model), folder / "upper", {"hidden": hidden}, [*CLASSES, "embedding", "tags", "links", "moves", "aspects"]
    )


def _export(part: nn.Module, path: Path, given: dict[str, torch.Tensor], gives: list[str]) -> None:
    raw, whole, small = (path.with_suffix(f".{kind}onnx") for kind in ("raw.", "float32.", "int8."))
    with warnings.catch_warnings():
        # The exporter is deprecated in favour of one that knows no operators of ONNX Runtime's own.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # branches that only check shapes
        torch.onnx.export(
            part.eval(),
            tuple(given.values()),
            str(raw),
            input_names=list(given),
            output_names=gives,
            dynamic_axes={
                name: {1: "length", 2: "length"} if name == "links" else {1: "length"}
                for name in (*given, *gives)
                if name in ("tokens", "hidden", "tags", "links")
            },
            opset_version=_OPSET,
            custom_opsets={"com.microsoft": 1},
            dynamo=False,
        )
    fusions = FusionOptions("bert")
    fusions.enable_attention = fusions.enable_embed_layer_norm = False
    fusions.enable_skip_layer_norm = fusions.enable_bias_skip_layer_norm = False  # slower than its two parts
    optimised = optimize_model(str(raw), model_type="bert", opt_level=0, optimization_options=fusions)
    optimised.save_model_to_file(str(whole))
    raw.unlink()
    # Shapes cannot be inferred through fused operators; every tensor between them is float32.
    extra = {"DefaultTensorType": onnx.TensorProto.FLOAT}
    quantize_dynamic(whole, small, per_channel=True, weight_type=QuantType.QInt8, extra_options=extra)


def describe(folder: Path, kind: str) -> None:
    """Writes what `nlp.encoder` needs to know."""
    lower, upper = (f"{part}.{kind}.onnx" for part in ("lower", "upper"))
    write_description(
        folder, Description(lower, upper, CLASSES, plain_steps(CLASSES), Scale(0.5, 0.0, 0.0), ASPECTS, COMPLETE)
    )


def compared(folder: Path, texts: Sequence[str]) -> dict[str, float]:
    """Texts a second of both kinds, tokenising included, and how far 8 bits stray from float32."""
    figures: dict[str, float] = {}
    said = {}
    for kind in ("float32", "int8"):
        describe(folder, kind)
        reader = Reader(folder)
        reader.read(texts[:50])
        since = time.perf_counter()
        said[kind] = reader.read(texts)
        figures[f"{kind} texts a second"] = len(texts) / (time.perf_counter() - since)
        figures[f"{kind} MB"] = sum(path.stat().st_size for path in folder.glob(f"*.{kind}.onnx")) / 1e6
    logits = {kind: [_last(reading) for reading in readings] for kind, readings in said.items()}
    embeddings = {kind: np.stack([_embedding(reading) for reading in readings]) for kind, readings in said.items()}
    for name in CLASSES:
        whole, small = (np.stack([each[name] for each in logits[kind]]) for kind in ("float32", "int8"))
        figures[f"{name}: same class"] = float((whole.argmax(1) == small.argmax(1)).mean())
        figures[f"{name}: most that a logit differs"] = float(np.abs(whole - small).max())
    cosines = (embeddings["float32"] * embeddings["int8"]).sum(axis=1)
    figures["embedding: least cosine"] = float(cosines.min())
    return figures


def _last(reading: Reading) -> Logits:
    assert reading.last is not None
    return reading.last


def _embedding(reading: Reading) -> Floats:
    assert reading.embedding is not None
    return reading.embedding


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model", type=Path, required=True, help="a training's folder, or the pruned base's: fresh heads"
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder to write the graphs to")
    parser.add_argument("--graph", choices=("float32", "int8"), default="int8", help="the graphs to be run")
    parser.add_argument("--data", type=Path, help="the folder of the labelled data, to compare and time on")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    export(opened(arguments.model).eval(), arguments.out)
    AutoTokenizer.from_pretrained(arguments.model).save_pretrained(arguments.out)
    if arguments.data:
        texts = [row["text"] for row in rows(arguments.data / "reviews_binary_dev.jsonl")][::7][:_TIMED]
        print(json.dumps({name: round(value, 4) for name, value in compared(arguments.out, texts).items()}, indent=1))
    describe(arguments.out, arguments.graph)


if __name__ == "__main__":
    main()
