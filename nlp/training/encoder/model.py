"""The encoder: a BERT body, the mean over its tokens, a linear head for each question, and an embedding.

The same questions are asked a third of the way up as well: the early exit, which learns from the labels and from what the last layer says.
Losses are masked: an example only teaches what it has a label for.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from nlp.marks import EMOTIONS, INTENTS, SENTIMENTS, STAGES
from nlp.training.aspect_sets import ASPECTS, UNKNOWN
from nlp.training.encoder.batches import Batch
from nlp.training.encoder.opinion_head import ABSENT, WIDTH, OpinionHead, opinion_loss

CLASSES: dict[str, tuple[str, ...]] = {
    "sentiment": SENTIMENTS,
    "emotion": EMOTIONS,
    "intent": INTENTS,
    "stage": STAGES,
}
NEGATIVE, NEUTRAL, POSITIVE = (SENTIMENTS.index(name) for name in ("negative", "neutral", "positive"))
WEIGHTS = "encoder.pt"
EXIT_LAYER = 4
RARE_ASPECTS = 3.0  # where its logits begin: of most aspects a text does not speak
EXIT = "exit "  # in front of a question: what the early exit says


@dataclass(frozen=True, slots=True)
class Losses:
    """How loudly each question speaks, and how much a label is trusted."""

    sentiment: float = 1.0
    polarity: float = 1.0
    emotion: float = 1.0
    intent: float = 0.6
    stage: float = 0.8
    embedding: float = 0.3
    smoothing: float = 0.05
    # Of a review's two-class label: how much is left to neutral and to the other pole. A few per cent of the labels are wrong.
    polarity_neutral: float = 0.07
    polarity_other: float = 0.03
    exit_labels: float = 0.1
    exit_imitation: float = 0.2
    tags: float = 3.0
    pair_polarity: float = 0.5
    links: float = 0.5
    aspects: float = 0.5


class AspectHead(nn.Linear):
    """How a text speaks of each aspect, logits `(texts, aspects, 4)`: not at all, negatively, neutrally, positively.

    It sees the mean over the last layer, and the most of any token there and in what the opinion head makes of it: one word may be enough to name an aspect.
    """

    def __init__(self, width: int) -> None:
        super().__init__(width, len(ASPECTS) * (1 + len(SENTIMENTS)))
        nn.init.normal_(self.weight, std=0.02)
        nn.init.zeros_(self.bias)
        with torch.no_grad():
            self.bias.view(len(ASPECTS), -1)[:, 0] = RARE_ASPECTS

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        return super().forward(seen).unflatten(-1, (len(ASPECTS), -1))


class Encoder(nn.Module):
    """`forward` gives the logits of every head by name, those of the early exit under EXIT + name, `embedding`, unit vectors, `tags`, `links` and `moves` (see `OpinionHead`), `aspects` (see `AspectHead`), and the hidden states `middle` and `highest`."""

    def __init__(self, body: BertModel, dropout: float = 0.1) -> None:
        super().__init__()
        width = body.config.hidden_size
        self.body = body
        self.dropout = nn.Dropout(dropout)
        self.heads, self.exit_heads = (
            nn.ModuleDict({name: nn.Linear(width, len(classes)) for name, classes in CLASSES.items()}) for _ in range(2)
        )
        self.opinions = OpinionHead(width)
        self.aspects = AspectHead(width + WIDTH + width)
        self.projection = nn.Linear(width, width)
        for head in (*self.heads.values(), *self.exit_heads.values()):
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)
        nn.init.eye_(self.projection.weight)
        nn.init.zeros_(self.projection.bias)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
        layers = self.body(input_ids=tokens, attention_mask=mask, output_hidden_states=True).hidden_states
        said = self._asked(self.exit_heads, _mean(layers[min(EXIT_LAYER, len(layers) - 1)], mask), EXIT)
        pooled = _mean(layers[-1], mask)
        said |= self._asked(self.heads, pooled)
        said["embedding"] = functional.normalize(self.projection(pooled).float(), dim=-1)
        depth = len(layers) - 1
        exit_ = min(EXIT_LAYER, depth)
        seen = [self.dropout(layers[n]) for n in (exit_, (exit_ + depth) // 2, depth)]
        tags, links, inner = self.opinions(seen)
        most = [_most(inner, mask), _most(layers[-1], mask)]
        said["aspects"] = self.aspects(torch.cat([self.dropout(pooled), *most], -1)).float()
        said |= {"middle": layers[(exit_ + depth) // 2], "highest": layers[-1]}
        return said | {"tags": tags.float(), "links": links.float(), "moves": self.opinions.moves.float()}

    def _asked(self, heads: nn.ModuleDict, pooled: torch.Tensor, prefix: str = "") -> dict[str, torch.Tensor]:
        dropped = self.dropout(pooled)
        return {prefix + name: head(dropped).float() for name, head in heads.items()}


def _mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean over a text's tokens, `(texts, width)`."""
    weights = mask.float()[..., None]
    return (hidden.float() * weights).sum(1) / weights.sum(1)


def _most(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The most that any of a text's tokens has, `(texts, width)`."""
    return hidden.masked_fill(mask[..., None] == 0, torch.finfo(hidden.dtype).min).amax(1).float()


def opened(folder: Path, layers: Sequence[int] | None = None) -> Encoder:
    """The encoder that a training wrote to `folder`, or the base model there with fresh heads; of its layers those named, counted from 0.

    Dropout is in front of the heads alone and attention is written out: on a CPU, drawing random numbers for every activation takes nearly
    as long as the matrices, and with fused attention a step takes about twice as long.
    """
    if (folder / WEIGHTS).exists():
        model = load(folder)
    else:
        config = BertConfig.from_pretrained(folder)
        config.attention_probs_dropout_prob = config.hidden_dropout_prob = 0.0
        body = BertModel.from_pretrained(folder, config=config, add_pooling_layer=False, attn_implementation="eager")
        model = Encoder(body)
    if layers:
        stack = model.body.encoder
        stack.layer = nn.ModuleList(stack.layer[n] for n in layers)
        model.body.config.num_hidden_layers = len(layers)
    return model


def losses(said: dict[str, torch.Tensor], batch: Batch, teacher: torch.Tensor, how: Losses) -> dict[str, torch.Tensor]:
    """Each question's share of the batch's loss: summed over the texts that have a label, divided by all texts.

    The embedding's is divided by the texts that the teacher read: they are few, and it has to hold against all the rest.
    """
    parts = _of_labels(said, batch, how)
    parts["exit"] = how.exit_labels * torch.stack(list(_of_labels(said, batch, how, EXIT).values())).sum()
    parts["exit"] = parts["exit"] + how.exit_imitation * _imitation(said)
    taught = batch.places != ABSENT
    distance = 1 - (said["embedding"] * teacher[batch.places.clamp(min=0)]).sum(-1)
    parts["embedding"] = how.embedding * (distance * taught).sum() / taught.sum().clamp(min=1)
    if (batch.aspects != UNKNOWN).any():
        logits, truth = said["aspects"].flatten(0, 1), batch.aspects.flatten()
        doubt = functional.cross_entropy(logits, truth, ignore_index=UNKNOWN, reduction="sum")
        parts["aspects"] = how.aspects * doubt / len(batch.weights)
    rows = batch.spans.rows
    if len(rows):
        found = opinion_loss(said["tags"][rows], said["links"][rows], said["moves"], batch.spans, batch.mask[rows])
        for name, loss in found.items():
            parts[name] = getattr(how, name) * loss / len(batch.weights)
    return parts


def _of_labels(said: dict[str, torch.Tensor], batch: Batch, how: Losses, prefix: str = "") -> dict[str, torch.Tensor]:
    texts, parts = len(batch.weights), {}
    for name in CLASSES:
        truth = batch.labels[name]
        loss = functional.cross_entropy(
            said[prefix + name], truth, ignore_index=ABSENT, reduction="none", label_smoothing=how.smoothing
        )
        parts[name] = getattr(how, name) * (loss * batch.weights).sum() / texts
    truth = batch.labels["polarity"]
    target = torch.full((texts, len(SENTIMENTS)), how.polarity_other)
    target[:, NEUTRAL] = how.polarity_neutral
    pole = torch.where(truth == 1, POSITIVE, NEGATIVE)
    target[torch.arange(texts), pole] = 1 - how.polarity_other - how.polarity_neutral
    loss = functional.cross_entropy(said[prefix + "sentiment"], target, reduction="none")
    parts["polarity"] = how.polarity * (loss * batch.weights * (truth != ABSENT)).sum() / texts
    return parts


def _imitation(said: dict[str, torch.Tensor]) -> torch.Tensor:
    """How far the early exit is from the last layer, over all texts and questions, labelled or not."""
    distances = [functional.cross_entropy(said[EXIT + name], said[name].detach().softmax(-1)) for name in CLASSES]
    return torch.stack(distances).mean()


def save(model: Encoder, folder: Path, note: dict[str, object]) -> None:
    """Writes weights and configuration; `load` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    model.body.config.save_pretrained(folder)
    torch.save(model.state_dict(), folder / WEIGHTS)
    described = {
        "classes": {name: list(classes) for name, classes in CLASSES.items()},
        "losses": asdict(Losses()),
        **note,
    }
    (folder / "encoder.json").write_text(json.dumps(described, ensure_ascii=False, indent=1), "utf-8")


def load(folder: Path) -> Encoder:
    """What `save` wrote, ready to say."""
    config = BertConfig.from_pretrained(folder, attn_implementation="eager")
    model = Encoder(BertModel(config, add_pooling_layer=False))
    kept = torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True)
    model.load_state_dict(with_fresh_heads(model, kept))
    model.eval()
    return model


def with_fresh_heads(model: Encoder, kept: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What was kept, and the heads of `model` that it has not: of before there were such heads, or when they knew other aspects."""
    fresh = {name: value for name, value in model.state_dict().items() if name.startswith(("opinions.", "aspects."))}
    other = {name for name, value in fresh.items() if name in kept and kept[name].shape != value.shape}
    return fresh | {name: value for name, value in kept.items() if name not in other}
