"""The opening paragraph of a digest: sentences put together by rule from its own figures, and nothing else."""

from collections.abc import Iterator

from feedback.digest.phrases import SMALL_N, Phrases
from feedback.journey.model import AspectFinding, Change, Digest, Tally
from feedback.journey.stats import Estimate, difference, distance_from_zero

_ITEMS = 2  # changes or aspects named in one sentence


def has_previous(digest: Digest) -> bool:
    """Whether there is anything to compare with; without it no figure is shown against another."""
    before = digest.overview.previous
    return digest.parameters.previous is not None and before is not None and before.effective > 0


def conclusions(digest: Digest, words: Phrases) -> list[list[str]]:
    """Paragraphs of sentences: volume, net sentiment and what changed; then what is complained about and praised most,
    and what weakens all that.
    """
    overview = digest.overview
    if overview.verbatims_raw == 0:
        return [list(_nothing(digest, words))]
    raw = words.count("verbatim", overview.verbatims_raw)
    if overview.verbatims_effective == 0:
        return [[words("all_ineffective", raw=raw)]]
    channels = words.count("channel", len({c.channel for c in overview.channels if c.raw}))
    effective = words.integer(overview.verbatims_effective)
    sentences = [words("received", raw=raw, effective=effective, channels=channels)]
    if overview.tally.effective == 0:
        return [[*sentences, words("nothing_marked"), *_pending(digest, words)]]
    if has_previous(digest):
        sentences += [*_volume(digest, words), _net(digest, words), *_moved(digest, words)]
    else:
        sentences += [_net(digest, words), no_previous(digest, words)]
    details = list(_most(digest, words))
    if overview.tally.effective < SMALL_N:
        details.append(words("small_total", n=words.integer(overview.tally.effective)))
    details += _pending(digest, words)
    return [sentences, details] if details else [sentences]


def no_previous(digest: Digest, words: Phrases) -> str:
    return words("no_previous_all" if digest.parameters.previous is None else "no_previous")


def _nothing(digest: Digest, words: Phrases) -> Iterator[str]:
    period = digest.parameters.period
    yield words("empty_all") if period.start is None else words("empty", period=words.period(period))
    if digest.overview.previous_verbatims_raw:
        yield words("empty_previous", raw=words.count("verbatim", digest.overview.previous_verbatims_raw))


def _pending(digest: Digest, words: Phrases) -> Iterator[str]:
    if digest.overview.not_analyzed:
        yield words("pending", n=words.integer(digest.overview.not_analyzed))


def _volume(digest: Digest, words: Phrases) -> Iterator[str]:
    now, before = digest.overview.verbatims_effective, digest.overview.previous_verbatims_effective
    n = words.integer(before)
    if now == before:
        yield words("volume_same", n=n)
    elif before:
        yield words("volume_up" if now > before else "volume_down", percent=words.percent(abs(now / before - 1)), n=n)


def _net(digest: Digest, words: Phrases) -> str:
    now, before = digest.overview.tally, digest.overview.previous
    said = {"net": words.net(now.net), "interval": words.interval(now.low, now.high)}
    if not has_previous(digest) or before is None or now.net is None or before.net is None:
        return words("net_alone", **said)
    if not _moved_beyond_chance(now, before):
        return words("net_steady", **said, before=words.net(before.net))
    points = words.unsigned_points(now.net - before.net)
    return words("net_up" if now.net > before.net else "net_down", **said, points=points)


def _moved_beyond_chance(now: Tally, before: Tally) -> bool:
    """Whether the 95 % interval of the difference excludes zero."""
    estimates = _estimate(now), _estimate(before)
    return distance_from_zero(difference(*estimates)) > 1


def _estimate(tally: Tally) -> Estimate:
    if tally.net is None or tally.low is None or tally.high is None:
        raise ValueError("A tally without effective segments has no estimate.")
    return Estimate(tally.net, tally.low, tally.high)


def _moved(digest: Digest, words: Phrases) -> Iterator[str]:
    if not digest.changes:
        now, before = digest.overview.tally, digest.overview.previous
        # After "down 20 points", "nothing changed" would read as a contradiction.
        moved = before is not None and before.effective > 0 and _moved_beyond_chance(now, before)
        yield words("scattered" if moved else "no_changes")
    nets = sorted((c for c in digest.changes if c.measure == "net"), key=lambda c: -abs(c.difference))
    fallen = _distinct([c for c in nets if c.difference < 0])[:_ITEMS]
    risen = _distinct([c for c in nets if c.difference > 0])[:_ITEMS]
    for key, item, changes in (("worse", "fell", fallen), ("better", "rose", risen)):
        if changes:
            yield words(key, items=words("item_gap").join(_from_to(c, item, words) for c in changes))
    shares = [c for c in digest.changes if c.measure == "share"]
    if shares:
        largest = max(shares, key=lambda c: abs(c.difference))
        yield _from_to(largest, "talked_more" if largest.difference > 0 else "talked_less", words)


def _distinct(changes: list[Change]) -> list[Change]:
    """Without the stages that only repeat what an aspect of theirs already says."""
    explained = {c.stage for c in changes if c.subject == "aspect"}
    return [c for c in changes if c.subject == "aspect" or c.stage not in explained]


def _from_to(change: Change, key: str, words: Phrases) -> str:
    before, now = words.measure(change.measure, change.before), words.measure(change.measure, change.now)
    return words(key, name=change_name(change, words), before=before, now=now)


def change_name(change: Change, words: Phrases) -> str:
    """An aspect without a stage: it is compared over all of them, and a stage's own count of it stands elsewhere."""
    return words.name("stage", change.stage) if change.subject == "stage" else words.aspect(change.name)


def _most(digest: Digest, words: Phrases) -> Iterator[str]:
    pains = [(f.tally.negative, f) for stage in digest.stages for f in stage.pain_points]
    highlights = [(f.tally.positive, f) for stage in digest.stages for f in stage.highlights]
    for key, counted in (("top_pain", pains), ("top_highlight", highlights)):
        top = sorted((c for c in counted if c[0]), key=_largest_first)[:_ITEMS]
        items = [
            words(
                f"{key}_item",
                name=words.names(f.stage, f.aspect),
                n=words.integer(n),
                all=words.integer(f.tally.effective),
            )
            for n, f in top
        ]
        if items:
            yield words(key, items=words("list_gap").join(items))


def _largest_first(counted: tuple[int, AspectFinding]) -> tuple[int, str, str]:
    return -counted[0], counted[1].stage, counted[1].aspect
