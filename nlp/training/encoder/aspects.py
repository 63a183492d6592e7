"""Trains the aspect head anew, alone: the rest of the encoder stays as it is, and so does all else that it says.

    python -m nlp.training.encoder.aspects --model runs/encoder/shipped --data DIR --out runs/encoder/aspects

What the head sees of each text (`AspectHead`) is computed once; learning from it then takes a minute or two, where the whole encoder takes hours. Prints how right it is on
texts that are not trained on (`aspect_sets.held_out`).
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn import functional
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from nlp.training import aspect_sets
from nlp.training.aspect_sets import UNKNOWN
from nlp.training.encoder.batches import head_and_tail, padded
from nlp.training.encoder.data import examples
from nlp.training.encoder.measure import aspects
from nlp.training.encoder.model import AspectHead, Encoder, load, save

LONGEST = 192  # tokens of a text that are read
COPIES = {"aspects": 4, "car_aspects": 4, "makeup_opinions": 6, "restaurant_triplets": 1}
DROPOUT, WEIGHT_DECAY = 0.1, 0.01
_SEEN, _BATCH = 32, 256  # texts at a time


def seen(model: Encoder, tokens: PreTrainedTokenizerFast, texts: Sequence[str]) -> torch.Tensor:
    """What the aspect head sees of each text, `(texts, width)`; texts of similar length run together."""
    ids = [head_and_tail(encoding.ids, LONGEST) for encoding in tokens.backend_tokenizer.encode_batch(list(texts))]
    order = sorted(range(len(ids)), key=lambda n: len(ids[n]))
    found: list[torch.Tensor] = []
    hook = model.aspects.register_forward_pre_hook(lambda _, given: found.append(given[0]))
    with torch.no_grad():
        for start in range(0, len(order), _SEEN):
            model(*padded([ids[n] for n in order[start : start + _SEEN]], tokens.pad_token_id))
    hook.remove()
    return torch.cat(found)[torch.tensor(order).argsort()]


def learn(head: AspectHead, given: torch.Tensor, truth: torch.Tensor, how: argparse.Namespace) -> None:
    """`given` `(texts, width)`, `truth` `(texts, aspects)`, UNKNOWN where nobody said."""
    steps = how.epochs * -(-len(given) // _BATCH)
    optimizer = torch.optim.AdamW(head.parameters(), lr=how.rate, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, how.rate, total_steps=steps)
    for _ in range(how.epochs):
        for rows in torch.randperm(len(given)).split(_BATCH):
            logits = head(functional.dropout(given[rows], DROPOUT)).flatten(0, 1)
            doubt = functional.cross_entropy(logits, truth[rows].flatten(), ignore_index=UNKNOWN, reduction="sum")
            optimizer.zero_grad()
            (doubt / len(rows)).backward()
            optimizer.step()
            schedule.step()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="the folder of a trained encoder")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the labelled data")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write the encoder to")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--rate", type=float, default=3e-3, help="the highest learning rate")
    parser.add_argument("--seed", type=int, default=7)
    how = parser.parse_args()
    torch.set_num_threads(2)
    torch.manual_seed(how.seed)
    model, tokens = load(how.model), AutoTokenizer.from_pretrained(how.model)
    told = [each for each in examples(how.data) if each.aspects is not None]
    given = seen(model, tokens, [each.text for each in told])
    copies = torch.tensor([n for n, each in enumerate(told) for _ in range(COPIES[each.source])])
    truth = torch.tensor([each.aspects for each in told])
    model.aspects = AspectHead(given.shape[1])
    learn(model.aspects, given[copies], truth[copies], how)
    save(model, how.out, {"aspects": {"epochs": how.epochs, "rate": how.rate, "seed": how.seed}})
    tokens.save_pretrained(how.out)
    for taxonomy in aspect_sets.TAXONOMIES:
        texts, truths = zip(*aspect_sets.held_out(how.data, taxonomy), strict=True)
        scores = aspect_sets.aspect_scores(aspects(model, tokens, texts, taxonomy, LONGEST), truths)
        print(json.dumps({"set": taxonomy} | {part: round(value, 3) for part, value in scores.items()}), flush=True)


if __name__ == "__main__":
    main()
