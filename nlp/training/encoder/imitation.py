"""What a smaller encoder learns from a larger one that is done, or from several: answers, embedding and what is made of each token.

The labels say what is right, the elder how sure one can be of it, and it says so of every text and every question (Hinton et al. 2015;
hidden states as in Sun et al. 2019, "Patient knowledge distillation").
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from nlp.training.aspect_sets import UNKNOWN
from nlp.training.encoder.batches import Batch
from nlp.training.encoder.model import CLASSES
from nlp.training.encoder.opinion_head import ABSENT


@dataclass(frozen=True, slots=True)
class Shares:
    """How loudly each part of the elder speaks, beside the labels' `Losses`; `answered`: of a question that a label answers for this text."""

    answers: float = 2.0
    answered: float = 1.0
    aspects: float = 1.0
    opinions: float = 2.0
    embedding: float = 1.0
    hidden: float = 2.0


def imitation(said: dict[str, torch.Tensor], elder: dict[str, torch.Tensor], batch: Batch, how: Shares) -> torch.Tensor:
    """How far from the elder, whose answers take no gradient; a mean over the batch's texts."""
    real = batch.mask.float()
    parts = [torch.stack([_answer(said[q], elder[q], batch.labels[q] != ABSENT, how) for q in CLASSES]).sum()]
    untold = batch.aspects == UNKNOWN  # of the others the labels say all
    parts.append(how.aspects * (_distance(said["aspects"], elder["aspects"]) * untold).mean(1).mean())
    tags = torch.stack([_distance(said["tags"][..., n : n + 3], elder["tags"][..., n : n + 3]) for n in (0, 3, 6)]).sum(
        0
    )
    pairs = real[:, :, None] * real[:, None, :]
    links = functional.binary_cross_entropy_with_logits(said["links"], elder["links"].sigmoid(), reduction="none")
    rest = functional.binary_cross_entropy_with_logits(elder["links"], elder["links"].sigmoid(), reduction="none")
    parts.append(how.opinions * ((tags * real).sum() / real.sum() + ((links - rest) * pairs).sum() / pairs.sum()))
    parts.append(how.embedding * (1 - (said["embedding"] * elder["embedding"]).sum(-1)).mean())
    for layer in ("middle", "highest"):
        likeness = functional.cosine_similarity(said[layer].float(), elder[layer].float(), dim=-1)
        parts.append(how.hidden * ((1 - likeness) * real).sum() / real.sum())
    return torch.stack(parts).sum()


def _answer(said: torch.Tensor, elder: torch.Tensor, answered: torch.Tensor, how: Shares) -> torch.Tensor:
    share = torch.where(answered, how.answered, how.answers)
    return (share * _distance(said, elder)).mean()


def consensus(elders: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """What several elders say as one: the mean of their probabilities; embedding and hidden states are the first one's."""
    if len(elders) == 1:
        return elders[0]
    found = dict(elders[0])
    for name in (*CLASSES, "aspects"):
        found[name] = _mean([each[name].softmax(-1) for each in elders]).log()
    tags = [each["tags"].unflatten(-1, (-1, 3)).softmax(-1) for each in elders]
    found["tags"] = _mean(tags).log().flatten(-2)
    found["links"] = torch.logit(_mean([each["links"].sigmoid() for each in elders]), eps=1e-6)
    return found


def _mean(said: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.stack(list(said)).mean(0).clamp(min=1e-9)


def _distance(said: torch.Tensor, elder: torch.Tensor) -> torch.Tensor:
    """Kullback and Leibler's, over the last dimension."""
    target = elder.log_softmax(-1)
    return (target.exp() * (target - said.log_softmax(-1))).sum(-1)
