"""What a digest rests on, said at its end: counts with and without copies and noise, gaps, versions, how to check."""

from feedback.digest.phrases import SMALL_N, Phrases
from feedback.journey.model import Digest

Note = tuple[str, tuple[str, ...]]  # heading and lines


def notes(digest: Digest, words: Phrases) -> list[Note]:
    """Every count of the overview, zero or not: a gap that is not mentioned would read as none."""
    overview, parameters = digest.overview, digest.parameters
    n = words.integer
    context = words("notes_context_value", n=words.count("turn", overview.context_turns))
    unknown = words("notes_unknown_dates_value", n=words.count("row", overview.unknown_dates))
    pending = words("notes_unanalyzed_value", n=n(overview.not_analyzed), failed=n(overview.failed))
    threshold = words("notes_threshold_value", n=n(parameters.minimum_n), small=SMALL_N)
    generated = words("notes_generated_value", moment=words.moment(digest.generated_at), id=parameters.last_verbatim_id)
    versions = words(
        "notes_versions_value",
        product=digest.product_version,
        pipeline=parameters.pipeline_version,
        seed=parameters.seed,
    )
    return [
        (words("notes_period"), _period(digest, words)),
        (words("notes_compared"), (_compared(digest, words),)),
        (words("notes_verbatims"), _verbatims(digest, words)),
        (words("notes_left_out"), _left_out(digest, words)),
        (words("notes_segments"), (_segments(digest, words), words("notes_segments_meaning"))),
        (words("notes_channels"), _channels(digest, words)),
        (words("notes_context"), (context,)),
        (words("notes_unknown_dates"), (unknown,)),
        (words("notes_unanalyzed"), (pending,)),
        (words("notes_threshold"), (threshold,)),
        (words("notes_versions"), (versions,)),
        (words("notes_generated"), (generated,)),
    ]


def _period(digest: Digest, words: Phrases) -> tuple[str, ...]:
    parameters = digest.parameters
    period = words("notes_period_value", period=words.period(parameters.period), timezone=parameters.timezone)
    if not parameters.channels:
        return (period,)
    named = words("list_gap").join(words.name("channel", c) for c in parameters.channels)
    return period, words("only_channels", channels=named)


def _compared(digest: Digest, words: Phrases) -> str:
    previous = digest.parameters.previous
    return words("notes_compared_none") if previous is None else words.period(previous)


def _verbatims(digest: Digest, words: Phrases) -> tuple[str, ...]:
    overview, n = digest.overview, words.integer
    now = words("notes_counts", raw=n(overview.verbatims_raw), effective=n(overview.verbatims_effective))
    if digest.parameters.previous is None:
        return (now,)
    raw, effective = n(overview.previous_verbatims_raw), n(overview.previous_verbatims_effective)
    return now, words("notes_counts_previous", raw=raw, effective=effective)


def _segments(digest: Digest, words: Phrases) -> str:
    tally = digest.overview.tally
    return words("notes_counts", raw=words.integer(tally.raw), effective=words.integer(tally.effective))


def _left_out(digest: Digest, words: Phrases) -> tuple[str, ...]:
    overview, n = digest.overview, words.integer
    noise = sorted(overview.noise.items())
    lines = (words("notes_noise", name=words.name("noise", name), n=n(count)) for name, count in noise)
    return words("notes_duplicates", n=n(overview.duplicates)), *lines


def _channels(digest: Digest, words: Phrases) -> tuple[str, ...]:
    n = words.integer
    lines = tuple(
        words(
            "notes_channel",
            channel=words.name("channel", c.channel),
            kind=words.name("kind", c.kind),
            raw=n(c.raw),
            effective=n(c.effective),
        )
        for c in digest.overview.channels
    )
    return lines or (words("no_figure"),)
