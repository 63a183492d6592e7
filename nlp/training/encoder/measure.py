"""How good an encoder is, on texts that were not trained on.

    python -m nlp.training.encoder.measure --model runs/encoder/first --data DIR [--longest 256]

Two-class files are judged by which pole is nearer, whatever neutral gets. Texts longer than `--longest` tokens keep head and tail.
"""

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import f1_score
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from nlp.encoder.opinions import opinions_of
from nlp.marks import EMOTIONS, SENTIMENTS
from nlp.marks import Opinion as Found
from nlp.probabilities import Floats
from nlp.training import aspect_sets, opinion_sets
from nlp.training.corpus import FIELDS, Labelled, gold_segments, labelled_segments
from nlp.training.encoder.batches import head_and_tail, padded
from nlp.training.encoder.model import CLASSES, EXIT, NEGATIVE, POSITIVE, Encoder, load
from nlp.training.opinion_scores import opinion_scores
from nlp.training.opinion_sets import Marked, is_held_out_makeup
from nlp.training.texts import is_held_out_emotion, rows

REVIEWS = 2000
RESTAURANTS = 600
_SEED = 20261122
_TOKENS = 3072  # in a batch, padding included


@dataclass(frozen=True, slots=True)
class Development:
    """Texts with their labels, by set."""

    labelled: dict[str, list[tuple[str, str]]]
    segments: dict[str, list[Labelled]]
    opinions: dict[str, list[Marked]]
    aspects: dict[str, list[tuple[str, set[tuple[str, str]]]]]


def development(data: Path, gold: Path | None = None, whole: bool = False) -> Development:
    """Every development set; of the many reviews a fixed 2,000 unless `whole`."""
    sets = {
        name: [(row["text"], row["label"]) for row in rows(data / f"{name}.jsonl")]
        for name in ("reviews_binary_dev", "eprstmt_train", "openrice_hk_dev", "emotion_weibo")
    }
    if not whole:
        sets["reviews_binary_dev"] = random.Random(_SEED).sample(sets["reviews_binary_dev"], REVIEWS)
    sets["emotion_weibo"] = [(text, label) for text, label in sets["emotion_weibo"] if is_held_out_emotion(text)]
    segments = {"labels/dev": labelled_segments(data, "dev")}
    if gold:
        segments["gold/dev"] = gold_segments(gold / "segments_dev.jsonl")
    opinions = {
        "restaurants": list(opinion_sets.restaurants(data / "restaurant_triplets_dev.jsonl")),
        "make-up": [m for m in opinion_sets.makeup(data / "makeup_opinions.jsonl") if is_held_out_makeup(m.text)],
        "labels/opinions_dev": list(opinion_sets.read_opinions(data, "opinions_dev")),
    }
    if not whole:
        opinions["restaurants"] = opinions["restaurants"][:RESTAURANTS]
    spoken = {taxonomy: aspect_sets.held_out(data, taxonomy) for taxonomy in aspect_sets.TAXONOMIES}
    return Development(sets, segments, opinions, spoken)


def logits(model: Encoder, tokens: PreTrainedTokenizerFast, texts: Sequence[str], longest: int) -> dict[str, Floats]:
    """What every head says of every text, `(texts, classes)`; texts of similar length run together."""
    ids = [head_and_tail(encoding.ids, longest) for encoding in tokens.backend_tokenizer.encode_batch(list(texts))]
    order = sorted(range(len(ids)), key=lambda n: len(ids[n]))
    said = {
        prefix + name: np.zeros((len(texts), len(classes)), dtype=np.float32)
        for prefix in ("", EXIT)
        for name, classes in CLASSES.items()
    }
    start = 0
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        while start < len(order):
            size = max(1, _TOKENS // len(ids[order[min(start + 63, len(order) - 1)]]))
            group = order[start : start + size]
            batch, mask = padded([ids[n] for n in group], tokens.pad_token_id)
            given = model(batch, mask)
            for name, found in said.items():
                found[group] = given[name].float().numpy()
            start += size
    return said


def measure(model: Encoder, tokens: PreTrainedTokenizerFast, dev: Development, longest: int = 96) -> dict[str, float]:
    """Accuracies and macro-F1 of `model` as it stands; leaves it in the mode it was in."""
    training = model.training
    model.eval()
    figures = {}
    for name, pairs in dev.labelled.items():
        texts, truth = zip(*pairs, strict=True)
        said = logits(model, tokens, texts, longest)
        for prefix in ("", EXIT):
            if name == "emotion_weibo":
                guessed = [EMOTIONS[n] for n in said[prefix + "emotion"].argmax(1)]
                figures[f"{prefix}emotion"] = _share(guessed, truth)
                figures[f"{prefix}emotion macro-F1"] = float(f1_score(truth, guessed, average="macro", zero_division=0))
                continue
            figures[f"{prefix}{name} pos/neg"] = _poles(said[prefix + "sentiment"], truth)
            guessed = [SENTIMENTS[n] for n in said[prefix + "sentiment"].argmax(1)]
            figures[f"{prefix}{name} 3-class"] = _share(guessed, truth)
    for name, segments in dev.segments.items():
        said = logits(model, tokens, [s.text for s in segments], longest)
        for prefix in ("", EXIT):
            asked = {question: said[prefix + question] for question in CLASSES}
            figures.update(_of_segments(prefix + name, asked, segments))
    for name, marked in dev.opinions.items():
        found = opinions(model, tokens, [m.text for m in marked], 2 * longest)
        figures.update({f"{name} {part} F1": f1 for part, f1 in opinion_scores(found, marked).items()})
    for name, spoken in dev.aspects.items():
        spoken_of = aspects(model, tokens, [text for text, _ in spoken], name, 2 * longest)
        scores = aspect_sets.aspect_scores(spoken_of, [truth for _, truth in spoken])
        figures.update({f"{name} {part} F1": f1 for part, f1 in scores.items()})
    model.train(training)
    return figures


def aspects(
    model: Encoder, tokens: PreTrainedTokenizerFast, texts: Sequence[str], taxonomy: str, longest: int
) -> list[set[tuple[str, str]]]:
    """The aspects of a taxonomy that the model finds each text to speak of, with their polarity."""
    columns = [n for n, (of, _) in enumerate(aspect_sets.ASPECTS) if of == taxonomy]
    ids = [head_and_tail(encoding.ids, longest) for encoding in tokens.backend_tokenizer.encode_batch(list(texts))]
    found: list[set[tuple[str, str]]] = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(ids), 32):
            said = model(*padded(ids[start : start + 32], tokens.pad_token_id))["aspects"][:, columns]
            for best in said.argmax(-1).tolist():
                spoken = {(aspect_sets.ASPECTS[c][1], n - 1) for c, n in zip(columns, best, strict=True) if n}
                found.append({(aspect, SENTIMENTS[n]) for aspect, n in spoken})
    return found


def opinions(model: Encoder, tokens: PreTrainedTokenizerFast, texts: Sequence[str], longest: int) -> list[list[Found]]:
    """The opinions that the model finds in each text, of which it reads `longest` tokens, head and tail."""
    encoded = tokens.backend_tokenizer.encode_batch(list(texts))
    order = sorted(range(len(texts)), key=lambda n: len(encoded[n].ids))
    found: list[list[Found]] = [[] for _ in texts]
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(order), 32):
            group = order[start : start + 32]
            ids = [head_and_tail(encoded[n].ids, longest) for n in group]
            said = model(*padded(ids, tokens.pad_token_id))
            for row, n in enumerate(group):
                offsets = head_and_tail(encoded[n].offsets, longest)
                size = len(offsets)
                tags, links = said["tags"][row, :size].numpy(), said["links"][row, :size, :size].numpy()
                found[n] = opinions_of(texts[n], tags, links, said["moves"].numpy(), offsets)
    return found


def _of_segments(name: str, said: dict[str, Floats], segments: Sequence[Labelled]) -> dict[str, float]:
    figures = {}
    for field in FIELDS:
        guessed = [CLASSES[field][n] for n in said[field].argmax(1)]
        accepted = [getattr(segment, field) for segment in segments]
        truth = [g if g in a else a[0] for g, a in zip(guessed, accepted, strict=True)]
        figures[f"{name} {field}"] = _share(guessed, truth)
        figures[f"{name} {field} macro-F1"] = float(f1_score(truth, guessed, average="macro", zero_division=0))
    return figures


def _poles(said: Floats, truth: Sequence[str]) -> float:
    guessed = np.where(said[:, POSITIVE] > said[:, NEGATIVE], "positive", "negative")
    judged = [n for n, label in enumerate(truth) if label != "neutral"]
    return _share([str(guessed[n]) for n in judged], [truth[n] for n in judged])


def _share(guessed: Sequence[str], truth: Sequence[str]) -> float:
    return float(np.mean([g == t for g, t in zip(guessed, truth, strict=True)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="the folder that a training wrote")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the labelled data")
    parser.add_argument("--gold", type=Path, help="the folder of the gold segments, where there is one")
    parser.add_argument("--longest", type=int, default=256, help="tokens of a text that are read")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    tokens = AutoTokenizer.from_pretrained(arguments.model)
    dev = development(arguments.data, arguments.gold, whole=True)
    figures = measure(load(arguments.model), tokens, dev, arguments.longest)
    print(json.dumps({name: round(value, 4) for name, value in figures.items()}, indent=1))


if __name__ == "__main__":
    main()
