"""The head that finds opinions: what is judged, the words that judge it, which belongs to which, and the polarity.

Each token is inside or outside of an aspect term and of judging words (begin, inside, outside, for each of the two, since they may overlap); a token of judging
words has a polarity. A link runs from a token of judging words to the tokens of what they judge; to the first token, which stands for the whole text, where that is not named.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from nlp.encoder.opinions import ASPECT, BEGIN, INSIDE, OUTSIDE, POLARITY, TAGS, WORDS
from nlp.training.opinion_sets import Opinion

ABSENT = -1
WIDTH = 256
LINK_WIDTH = 64
LAYERS = 3  # that the head sees: the early exit's, the one half way from there, the last
RARE_LINKS = -3.0  # where links begin: few pairs of tokens are linked


@dataclass(frozen=True, slots=True)
class Spans:
    """The opinions of some texts of a batch: `rows` `(n,)` their places; `aspect`, `words`, `polarity` `(n, length)`, `links` `(n, length, length)`."""

    rows: torch.Tensor
    aspect: torch.Tensor
    words: torch.Tensor
    polarity: torch.Tensor
    links: torch.Tensor


class OpinionHead(nn.Module):
    """From the hidden states of some layers, `(texts, length, width)` each, to `tags` `(texts, length, 9)` and `links` `(texts, length, length)`, logits; and to `inner` `(texts, length, 256)`, what it makes of each token.

    The last layer alone is made to be averaged over a text; what a token is is better seen further below as well. `moves` `(2, 3, 3)` are the scores of going from one tag to the next,
    for aspect terms and for judging words: the tags of a text are judged together (a linear-chain conditional random field: Lafferty et al. 2001).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.shares = nn.Parameter(torch.zeros(LAYERS))
        self.inner = nn.Linear(width, WIDTH)
        self.tags = nn.Linear(WIDTH, TAGS)
        self.query, self.key = nn.Linear(WIDTH, LINK_WIDTH), nn.Linear(WIDTH, LINK_WIDTH)
        self.rare = nn.Parameter(torch.tensor(RARE_LINKS))
        self.moves = nn.Parameter(torch.zeros(2, 3, 3))

    def forward(self, layers: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        shares = LAYERS * self.shares.softmax(0)
        mixed = torch.stack([share * layer for share, layer in zip(shares, layers, strict=True)]).sum(0)
        inner = functional.gelu(self.inner(mixed))
        links = self.query(inner) @ self.key(inner).transpose(1, 2) / LINK_WIDTH**0.5
        return self.tags(inner), links + self.rare, inner


def chain_doubt(tags: torch.Tensor, moves: torch.Tensor, truth: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Minus the log-likelihood of the true tags of each text, `(texts,)`: `tags` `(texts, length, 3)`, `moves` `(3, 3)`, from one tag to the next."""
    length = tags.shape[1]
    score = tags.gather(2, truth[..., None])[..., 0] * mask
    steps = moves[truth[:, :-1], truth[:, 1:]] * mask[:, 1:]
    ways = tags[:, 0]
    for n in range(1, length):
        on = torch.logsumexp(ways[:, :, None] + moves[None], dim=1) + tags[:, n]
        ways = torch.where(mask[:, n, None] > 0, on, ways)
    return torch.logsumexp(ways, dim=1) - score.sum(1) - steps.sum(1)


def spans_of(
    opinions: Sequence[Sequence[Opinion] | None], offsets: Sequence[Sequence[tuple[int, int]]], length: int
) -> Spans:
    """The opinions of a batch by token; `offsets` are each text's tokens', and those of None are not known."""
    rows = [n for n, found in enumerate(opinions) if found is not None]
    aspect = torch.full((len(rows), length), OUTSIDE)
    words, polarity = aspect.clone(), torch.full((len(rows), length), ABSENT)
    links = torch.zeros(len(rows), length, length)
    for place, row in enumerate(rows):
        for opinion in opinions[row] or ():
            judging = _tokens(opinion.words, offsets[row])
            judged = _tokens(opinion.aspect, offsets[row]) if opinion.aspect else [0]
            if not judging or not judged:
                continue  # in the middle of a long text, which was left out
            _tag(words[place], judging)
            polarity[place, judging] = opinion.sentiment
            if opinion.aspect:
                _tag(aspect[place], judged)
            links[place, torch.tensor(judging)[:, None], torch.tensor(judged)] = 1.0
    return Spans(torch.tensor(rows, dtype=torch.long), aspect, words, polarity, links)


def _tokens(span: tuple[int, int], offsets: Sequence[tuple[int, int]]) -> list[int]:
    return [n for n, (start, end) in enumerate(offsets) if start < span[1] and span[0] < end]


def _tag(tags: torch.Tensor, tokens: Sequence[int]) -> None:
    tags[list(tokens)] = INSIDE
    tags[tokens[0]] = BEGIN


def opinion_loss(
    tags: torch.Tensor, links: torch.Tensor, moves: torch.Tensor, spans: Spans, mask: torch.Tensor
) -> dict[str, torch.Tensor]:
    """`tags`, `pair_polarity` and `links`: of each text with opinions the mean over its tokens, summed over the texts. `mask` `(n, length)`."""
    real = mask.float()
    lengths = real.sum(1)
    parts = {}
    found = torch.zeros(())
    for n, (part, truth) in enumerate(((ASPECT, spans.aspect), (WORDS, spans.words))):
        found = found + (chain_doubt(tags[..., part], moves[n], truth, real) / lengths).sum()
    parts["tags"] = found
    judging = (spans.polarity != ABSENT).float()
    counts = judging.sum(1).clamp(min=1)
    loss = functional.cross_entropy(
        tags[..., POLARITY].transpose(1, 2), spans.polarity, ignore_index=ABSENT, reduction="none"
    )
    parts["pair_polarity"] = (loss.sum(1) / counts).sum()
    loss = functional.binary_cross_entropy_with_logits(links, spans.links, reduction="none")
    parts["links"] = (((loss * real[:, None, :]).sum(2) * judging).sum(1) / counts).sum()
    return parts
