"""Trains the encoder on all labelled sets at once.

    python -m nlp.training.encoder.train --base runs/encoder/pruned --teacher runs/encoder/base --data DIR --out runs/encoder/first

AdamW with lower rates for lower layers, warm-up and linear decay, bf16, and a running average of the weights, which is what is measured
and kept. Development files only measure. The run may be stopped at any time (`kill -STOP`, `kill`): with `--resume` it goes on from
its last checkpoint and sees the batches it would have seen. `OUT/log.jsonl` holds losses and figures.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoTokenizer

from nlp.training.encoder import measure, teacher
from nlp.training.encoder.batches import Batch, Epochs
from nlp.training.encoder.data import examples, unlabelled
from nlp.training.encoder.imitation import Shares, consensus, imitation
from nlp.training.encoder.model import Encoder, Losses, losses, opened, save

EVERY_STEPS = 8  # between updates of the running average
REPORT_STEPS = 25
WEIGHT_DECAY = 0.01
CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True, slots=True)
class Rates:
    """Learning rates: of the highest layer, of the heads, and how much each layer below the highest gets of the one above."""

    top: float
    heads: float
    decay: float
    warmup: float


def groups(model: Encoder, rates: Rates) -> list[dict[str, object]]:
    """Parameter groups with their peak rates."""
    depth = len(model.body.encoder.layer)
    found: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if name.startswith("body.encoder.layer."):
            rate = rates.top * rates.decay ** (depth - 1 - int(name.split(".")[3]))
        elif name.startswith("body."):
            rate = rates.top * rates.decay**depth
        else:
            rate = rates.heads
        decay = 0.0 if parameter.ndim < 2 else WEIGHT_DECAY
        found.setdefault((rate, decay), []).append(parameter)
    return [{"params": p, "lr": rate, "peak": rate, "weight_decay": decay} for (rate, decay), p in found.items()]


def share_of_peak(step: int, total: int, warmup: float) -> float:
    """Linear up over the warm-up, linear down to nothing."""
    rising = max(1.0, warmup * total)
    return min((step + 1) / rising, max(0.0, (total - step) / max(1.0, total - rising)))


class Run:
    """A training with everything that a checkpoint holds."""

    def __init__(
        self, model: Encoder, rates: Rates, total: int, average: float, elders: Sequence[Encoder] = ()
    ) -> None:
        self.model, self.rates, self.total, self.average, self.elders = model, rates, total, average, elders
        self.optimizer = torch.optim.AdamW(groups(model, rates), betas=(0.9, 0.98), fused=True)
        self.mean = [p.detach().clone() for p in model.parameters()]
        self.step = 0

    def learn(self, batch: Batch, vectors: torch.Tensor, how: Losses) -> dict[str, float]:
        """One step; returns the parts of the loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * share_of_peak(self.step, self.total, self.rates.warmup)
        with torch.autocast("cpu", torch.bfloat16):
            said = self.model(batch.tokens, batch.mask)
        parts = losses(said, batch, vectors, how)
        if self.elders:
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                example = consensus([elder(batch.tokens, batch.mask) for elder in self.elders])
            parts["elder"] = imitation(said, example, batch, Shares())
        torch.stack(list(parts.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        if self.step % EVERY_STEPS == 0:
            # Early on the average must not remember the start.
            keep = min(self.average, self.step / (self.step + 10 * EVERY_STEPS))
            with torch.no_grad():
                torch._foreach_lerp_(self.mean, list(self.model.parameters()), 1 - keep)
        return {name: float(part.detach()) for name, part in parts.items()}

    def exchange(self) -> None:
        """Puts the averaged weights into the model and the model's own aside; called again, puts them back."""
        for parameter, mean in zip(self.model.parameters(), self.mean, strict=True):
            parameter.data, mean.data = mean.data, parameter.data

    def write(self, path: Path) -> None:
        """A checkpoint; whole or not at all."""
        state = {
            "step": self.step,
            "total": self.total,
            "model": self.model.state_dict(),
            "mean": self.mean,
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
        }
        fresh = path.with_suffix(".new")
        torch.save(state, fresh)
        fresh.replace(path)

    def read(self, path: Path) -> None:
        """Goes on from a checkpoint; raises ValueError where that was a run of another length."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["total"] != self.total:
            raise ValueError(
                f"{path} is of a run of {state['total']} steps, not {self.total}: resume with the same settings."
            )
        self.model.load_state_dict(state["model"])
        for mean, kept in zip(self.mean, state["mean"], strict=True):
            mean.copy_(kept)
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
        self.step = state["step"]


class Log:
    """Prints lines and keeps them in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def say(self, **values: object) -> None:
        line = json.dumps(
            {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}, ensure_ascii=False
        )
        print(line, flush=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def steps(epochs: Epochs, taught: dict[int, int], first: int, total: int) -> Iterator[Batch]:
    """The batches of steps `first` to `total`."""
    epoch, start = divmod(first, len(epochs))
    while first < total:
        for batch in epochs.batches(epoch, taught, start):
            if first == total:
                return
            yield batch
            first += 1
        epoch, start = epoch + 1, 0


def train(arguments: argparse.Namespace) -> None:
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    log = Log(arguments.out / "log.jsonl")
    tokens = AutoTokenizer.from_pretrained(arguments.base)
    shown = examples(arguments.data, arguments.gold)
    shown = (shown + unlabelled(arguments.data, shown, arguments.unlabelled, arguments.seed))[:: arguments.every]
    epochs = Epochs(shown, tokens, arguments.batch, arguments.longest, arguments.seed)
    total = arguments.max_steps or round(arguments.epochs * len(epochs))
    taught = teacher.taught(shown, arguments.taught, arguments.seed)
    vectors, mean = teacher.embeddings(
        arguments.teacher or arguments.base, [shown[n].text for n in taught], arguments.out / "teacher.npz"
    )
    known = torch.from_numpy(vectors)
    rates = Rates(arguments.rate, arguments.head_rate, arguments.decay, arguments.warmup)
    elders = [opened(folder) for folder in arguments.elder]
    run = Run(opened(arguments.base, arguments.layers), rates, total, arguments.average, elders)
    checkpoint = arguments.out / CHECKPOINT
    if arguments.resume and checkpoint.exists():
        run.read(checkpoint)
    dev = measure.development(arguments.data, arguments.gold)
    settings = {name: str(value) for name, value in sorted(vars(arguments).items())}
    log.say(examples=len(shown), steps_an_epoch=len(epochs), total=total, first=run.step, settings=settings)

    def figures() -> dict[str, float]:
        run.exchange()
        found = measure.measure(run.model, tokens, dev)
        run.exchange()
        return found

    run.model.train()
    how, sums = Losses(), dict.fromkeys(("examples", "tokens"), 0.0)
    since = saved = measured = time.monotonic()
    for batch in steps(epochs, taught, run.step, total):
        for name, part in run.learn(batch, known, how).items():
            sums[name] = sums.get(name, 0.0) + part / REPORT_STEPS
        sums["examples"] += len(batch.weights)
        sums["tokens"] += batch.tokens.numel()
        now = time.monotonic()
        if run.step % REPORT_STEPS == 0:
            seconds, since = now - since, now
            speed = {f"{name}_a_second": sums.pop(name) / seconds for name in ("examples", "tokens")}
            left = (total - run.step) * seconds / REPORT_STEPS / 60
            log.say(step=run.step, minutes_left=left, loss=sum(sums.values()), **sums, **speed)
            sums = dict.fromkeys(("examples", "tokens"), 0.0)
        if now - saved > arguments.checkpoint_minutes * 60:
            run.write(checkpoint)
            saved = time.monotonic()
        if now - measured > arguments.measure_minutes * 60:
            log.say(step=run.step, **figures(), seconds=time.monotonic() - now)
            measured = since = time.monotonic()
    run.write(checkpoint)
    log.say(step=run.step, **figures())
    run.exchange()
    save(run.model, arguments.out, {"settings": settings, "embedding_mean": [round(float(v), 6) for v in mean]})
    tokens.save_pretrained(arguments.out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="the pruned base model's folder")
    parser.add_argument(
        "--teacher", type=Path, help="the whole base model's folder, whose embedding is kept (default: --base)"
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of the labelled data")
    parser.add_argument("--gold", type=Path, help="the folder of the gold segments, where there is one")
    parser.add_argument("--out", type=Path, required=True, help="the folder for checkpoints, the log and the model")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out, if there is one")
    parser.add_argument("--epochs", type=float, default=2.0, help="passes over the reviews")
    parser.add_argument("--max-steps", type=int, help="stop after so many steps, whatever --epochs says")
    parser.add_argument(
        "--every", type=int, default=1, help="learn from every n-th example only (for trying things out)"
    )
    parser.add_argument(
        "--layers", type=int, nargs="+", help="keep only these of the base model's layers, counted from 0"
    )
    parser.add_argument(
        "--elder",
        type=Path,
        nargs="+",
        default=[],
        help="the folders of trained encoders to learn from as well; the first shows what to make of each token",
    )
    parser.add_argument("--unlabelled", type=int, default=0, help="segments without labels that the elders speak of")
    parser.add_argument("--batch", type=int, default=48, help="texts in a step")
    parser.add_argument("--longest", type=int, default=96, help="tokens of a text; longer ones keep head and tail")
    parser.add_argument("--rate", type=float, default=7e-5, help="peak learning rate of the highest layer")
    parser.add_argument("--head-rate", type=float, default=5e-4, help="peak learning rate of the heads")
    parser.add_argument(
        "--decay", type=float, default=0.92, help="learning rate of a layer, as a share of the one above it"
    )
    parser.add_argument("--warmup", type=float, default=0.06, help="share of the steps over which the rate rises")
    parser.add_argument(
        "--average", type=float, default=0.97, help="what the running average keeps of itself every 8 steps"
    )
    parser.add_argument("--taught", type=int, default=20_000, help="texts whose base embedding is distilled")
    parser.add_argument("--threads", type=int, default=2, help="cores to use")
    parser.add_argument("--checkpoint-minutes", type=float, default=5.0, help="minutes between checkpoints")
    parser.add_argument("--measure-minutes", type=float, default=15.0, help="minutes between measurements")
    parser.add_argument("--seed", type=int, default=20261122, help="of the heads, the order and the augmentation")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
