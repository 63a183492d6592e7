"""The encoder: a BERT body, the mean over its tokens, a linear head for each question, and an embedding.

Losses are masked: an example only teaches what it has a label for. Two-class reviews teach the margin between the poles and leave
neutral free.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from nlp.marks import INTENTS, SENTIMENTS, STAGES
from nlp.training.encoder.batches import ABSENT, Batch
from nlp.training.encoder.data import EMOTIONS

CLASSES: dict[str, tuple[str, ...]] = {
    "sentiment": SENTIMENTS,
    "emotion": EMOTIONS,
    "intent": INTENTS,
    "stage": STAGES,
}
NEGATIVE, POSITIVE = SENTIMENTS.index("negative"), SENTIMENTS.index("positive")


@dataclass(frozen=True, slots=True)
class Losses:
    """How loudly each question speaks, and how much a label is trusted."""

    sentiment: float = 1.0
    polarity: float = 1.0
    emotion: float = 0.7
    intent: float = 0.6
    stage: float = 0.8
    embedding: float = 0.3
    smoothing: float = 0.05
    polarity_smoothing: float = 0.04  # a few per cent of the reviews' labels are wrong


class Encoder(nn.Module):
    """`forward` gives the logits of every head by name, and `embedding`, unit vectors."""

    def __init__(self, body: BertModel, dropout: float = 0.1) -> None:
        super().__init__()
        width = body.config.hidden_size
        self.body = body
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({name: nn.Linear(width, len(classes)) for name, classes in CLASSES.items()})
        self.projection = nn.Linear(width, width)
        for head in self.heads.values():
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)
        nn.init.eye_(self.projection.weight)
        nn.init.zeros_(self.projection.bias)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
        hidden = self.body(input_ids=tokens, attention_mask=mask).last_hidden_state.float()
        weights = mask.to(hidden.dtype)[..., None]
        pooled = (hidden * weights).sum(1) / weights.sum(1)
        dropped = self.dropout(pooled)
        said = {name: head(dropped).float() for name, head in self.heads.items()}
        said["embedding"] = functional.normalize(self.projection(pooled).float(), dim=-1)
        return said


def opened(folder: Path, layers: int | None = None) -> Encoder:
    """The base model (its first `layers`) with fresh heads.

    Dropout is in front of the heads alone and attention is written out: on a CPU, drawing random numbers for every activation takes nearly
    as long as the matrices, and with fused attention a step takes about twice as long.
    """
    config = BertConfig.from_pretrained(folder)
    config.attention_probs_dropout_prob = config.hidden_dropout_prob = 0.0
    if layers:
        config.num_hidden_layers = layers
    body = BertModel.from_pretrained(folder, config=config, add_pooling_layer=False, attn_implementation="eager")
    return Encoder(body)


def losses(said: dict[str, torch.Tensor], batch: Batch, teacher: torch.Tensor, how: Losses) -> dict[str, torch.Tensor]:
    """Each question's share of the batch's loss: summed over the texts that have a label, divided by all texts.

    The embedding's is divided by the texts that the teacher read: they are few, and it has to hold against all the rest.
    """
    texts = len(batch.weights)
    parts = {}
    for name in CLASSES:
        truth = batch.labels[name]
        loss = functional.cross_entropy(
            said[name], truth, ignore_index=ABSENT, reduction="none", label_smoothing=how.smoothing
        )
        parts[name] = getattr(how, name) * (loss * batch.weights).sum() / texts
    truth = batch.labels["polarity"]
    margin = said["sentiment"][:, POSITIVE] - said["sentiment"][:, NEGATIVE]
    target = truth.clamp(min=0).float() * (1 - 2 * how.polarity_smoothing) + how.polarity_smoothing
    loss = functional.binary_cross_entropy_with_logits(margin, target, reduction="none")
    parts["polarity"] = how.polarity * (loss * batch.weights * (truth != ABSENT)).sum() / texts
    taught = batch.places != ABSENT
    distance = 1 - (said["embedding"] * teacher[batch.places.clamp(min=0)]).sum(-1)
    parts["embedding"] = how.embedding * (distance * taught).sum() / taught.sum().clamp(min=1)
    return parts


def save(model: Encoder, folder: Path, note: dict[str, object]) -> None:
    """Writes weights and configuration; `load` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    model.body.config.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "encoder.pt")
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
    model.load_state_dict(torch.load(folder / "encoder.pt", map_location="cpu", weights_only=True))
    model.eval()
    return model
