"""Turns the 8-bit graphs that ship back into a model that training can go on from.

    python -m nlp.training.encoder.unpack --base runs/encoder/pruned --graphs nlp/models/encoder --out runs/encoder/shipped

What ships is all that a fresh clone has. A weight comes back as its 8 bits and its scale say it, within half a step of what was
trained (0.4 % of its column's largest). `--base` gives the shape of the body; the vocabulary is that of the graphs, whatever data the base was pruned for today.
"""

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from transformers import AutoTokenizer, BertConfig, BertModel

from nlp.encoder.description import TOKENIZER, read_description
from nlp.encoder.opinions import TAGS
from nlp.probabilities import Floats
from nlp.training.encoder.model import EXIT_LAYER, Encoder, save, with_fresh_heads
from nlp.training.encoder.opinion_head import LINK_WIDTH, WIDTH

_QUANTISED, _SCALE, _ZERO = "_quantized", "_scale", "_zero_point"
_MATRICES = ("attention.output.dense", "intermediate.dense", "output.dense")  # in the order a layer uses them


class Graph:
    """The weights of one graph by name, and those that have lost theirs in the order in which they are used."""

    def __init__(self, path: Path) -> None:
        graph = onnx.load(path).graph
        kept = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        self.named: dict[str, Floats] = {}
        for name, values in kept.items():
            if name.endswith((_SCALE, _ZERO)):
                continue
            bare = name.removesuffix(_QUANTISED)
            self.named[bare] = _restored(values, kept, bare) if bare != name else values
        used = [name.removesuffix(_QUANTISED) for node in graph.node for name in node.input]
        nameless = [
            self.named[name] for name in dict.fromkeys(used) if name.startswith("onnx::") and name in self.named
        ]
        self._matrices = iter([values for values in nameless if values.ndim == 2])
        self.shares = [values for values in nameless if values.ndim == 1]  # of the layers that the opinion head sees

    def next(self, *shape: int) -> torch.Tensor:
        """The next matrix without a name, as they are used; raises ValueError where it has another shape."""
        values = next(self._matrices)
        if values.shape != shape:
            raise ValueError(f"A weight of shape {shape} was expected and {values.shape} found: another kind of graph.")
        return torch.from_numpy(np.array(values))

    def layers(self, part: str) -> int:
        """How many layers a part of the graph has."""
        return sum(name.startswith(f"{part}.weights.") for name in self.named)

    def get(self, name: str) -> torch.Tensor:
        return torch.from_numpy(np.array(self.named[name]))


def _restored(values: Floats, kept: dict[str, Floats], name: str) -> Floats:
    found: Floats = (values.astype(np.float32) - kept[name + _ZERO].astype(np.float32)) * kept[name + _SCALE]
    return found


def unpacked(folder: Path, config: BertConfig) -> Encoder:
    """The model behind the graphs of `folder`; `config` is the base's, of which it may have fewer layers."""
    described = read_description(folder)
    lower, upper = Graph(folder / described.lower), Graph(folder / described.upper)
    half = EXIT_LAYER + upper.layers("below")
    depth = config.num_hidden_layers = half + upper.layers("above")
    state = {f"body.{name}": lower.get(name) for name in lower.named if name.startswith("embeddings.")}
    state |= dict(_layers(lower, "layers", range(EXIT_LAYER), config))
    state |= dict(_layers(upper, "below", range(EXIT_LAYER, half), config))
    state |= dict(_layers(upper, "above", range(half, depth), config))
    for graph, heads in ((lower, "exit_heads"), (upper, "heads")):
        for question in described.classes:
            state[f"{heads}.{question}.weight"] = graph.get(f"heads.{question}.weight").T
            state[f"{heads}.{question}.bias"] = graph.get(f"heads.{question}.bias")
    state |= {"projection.weight": upper.get("projection.weight").T, "projection.bias": upper.get("projection.bias")}
    state |= dict(_opinions(upper, config.hidden_size))
    if "aspects.weight" in upper.named:
        state |= {"aspects.weight": upper.get("aspects.weight").T, "aspects.bias": upper.get("aspects.bias")}
    config.vocab_size = len(state["body.embeddings.word_embeddings.weight"])
    model = Encoder(BertModel(config, add_pooling_layer=False))
    model.load_state_dict(with_fresh_heads(model, {name: value.contiguous() for name, value in state.items()}))
    model.eval()
    return model


def _layers(graph: Graph, name: str, places: range, config: BertConfig) -> Iterator[tuple[str, torch.Tensor]]:
    width, inner = config.hidden_size, config.intermediate_size
    shapes = ((width, width), (width, inner), (inner, width))
    for n, place in enumerate(places):
        to, here = f"body.encoder.layer.{place}", f"{name}.layers.{n}"
        for part, whole in (("weight", graph.get(f"{name}.weights.{n}").T), ("bias", graph.get(f"{name}.biases.{n}"))):
            for which, third in zip(("query", "key", "value"), whole.split(width), strict=True):
                yield f"{to}.attention.self.{which}.{part}", third
        for matrix, shape in zip(_MATRICES, shapes, strict=True):
            yield f"{to}.{matrix}.weight", graph.next(*shape).T
            yield f"{to}.{matrix}.bias", graph.get(f"{here}.{matrix}.bias")
        for norm in ("attention.output.LayerNorm", "output.LayerNorm"):
            for part in ("weight", "bias"):
                yield f"{to}.{norm}.{part}", graph.get(f"{here}.{norm}.{part}")


def _opinions(graph: Graph, width: int) -> Iterator[tuple[str, torch.Tensor]]:
    """What `OpinionHead` holds; its shares are in the graph as what becomes of them there: a softmax times their number."""
    (shares,) = graph.shares
    yield "opinions.shares", torch.from_numpy(np.log(shares / len(shares)))
    yield "opinions.rare", graph.get("opinions.rare")
    yield "opinions.moves", graph.get("opinions.moves")
    for part, shape in (
        ("inner", (width, WIDTH)),
        ("query", (WIDTH, LINK_WIDTH)),
        ("key", (WIDTH, LINK_WIDTH)),
        ("tags", (WIDTH, TAGS)),
    ):
        yield f"opinions.{part}.weight", graph.next(*shape).T
        yield f"opinions.{part}.bias", graph.get(f"opinions.{part}.bias")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="the pruned base model's folder")
    parser.add_argument("--graphs", type=Path, required=True, help="the folder of the 8-bit graphs")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write the model to")
    arguments = parser.parse_args()
    config = BertConfig.from_pretrained(arguments.base, attn_implementation="eager")
    config.attention_probs_dropout_prob = config.hidden_dropout_prob = 0.0
    save(unpacked(arguments.graphs, config), arguments.out, {"unpacked": str(arguments.graphs)})
    AutoTokenizer.from_pretrained(arguments.base).save_pretrained(arguments.out)
    shutil.copyfile(arguments.graphs / TOKENIZER, arguments.out / TOKENIZER)


if __name__ == "__main__":
    main()
