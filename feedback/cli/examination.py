"""The page that `feedback doctor FILE` shows of what collecting the file would come to."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from feedback.cli.common import progress_bar, time_in
from feedback.collected import Progress
from feedback.import_check import Dates, Examination, Tally
from feedback.sampling import Count

_SHOWN = 8  # kinds of a thing
_LATER_SECONDS = 2.0
_NOISE = {
    "default_review": "default reviews of the platform",
    "company_reply": "replies of the company",
    "no_text": "ratings without text",
}


@contextmanager
def later_progress(label: str) -> Iterator[Progress]:
    """Progress that is shown only where the work takes more than two seconds."""
    began, waiting = time.monotonic(), 0
    with progress_bar(label) as show:

        def count(what: str, more: int) -> None:
            nonlocal waiting
            waiting += more
            if time.monotonic() - began > _LATER_SECONDS:
                show(what, waiting)
                waiting = 0

        yield count


def examination_lines(found: Examination, timezone: str) -> Iterator[str]:
    """The page, a line at a time; what there is none of is left out where that is the usual thing.

    `timezone`: the one that the file was read in, and its days are shown in.
    """
    roles = ", ".join(f"{role} {_said(count)}" for role, count in found.roles.items())
    yield f"  Would be stored: {_said(found.verbatims)}" + (f" ({roles})" if found.roles.keys() - {"customer"} else "")
    if found.scores:
        yield "  Ratings: " + _joined(found.scores)
    if found.conversations.count:
        yield f"  Conversations: {_said(found.conversations)}"
    yield from _dates(found.dates, timezone)
    yield from _ids(found)
    if found.noise:
        yield "  No opinion: " + ", ".join(f"{count:,} {_NOISE[what]}" for what, count in found.noise.items())
    yield f"  Copies of earlier texts: {_said(found.exact_copies)} exact, {_said(found.near_copies)} near"
    yield from _personal(found)
    yield from _tallies("Not usable", "rows", found.unusable)
    yield from _tallies("Stored without a field", "fields", found.incomplete)
    if found.withdrawn:
        yield f"  Recalled: {found.withdrawn:,}"


def _dates(dates: Dates, timezone: str) -> Iterator[str]:
    placed, unknown = (sum(tally.count for tally in kinds) for kinds in (dates.placed, dates.unknown))
    first, last = (time_in(timezone, stamp)[:10] if stamp else None for stamp in (dates.first, dates.last))
    span = f", {first} to {last} ({timezone})" if first else ""
    yield f"  Dates: {placed:,} placed{span}; {unknown:,} can't be placed; {dates.missing:,} without one"
    for tally in dates.placed[:_SHOWN]:
        yield f"    {tally.count:,} × {tally.what}, like {tally.example}"
    yield from _more(dates.placed)
    for tally in dates.unknown[:_SHOWN]:
        yield f"    can't be placed: {tally.count:,} × {tally.what}, like {tally.example}"
    yield from _more(dates.unknown)


def _ids(found: Examination) -> Iterator[str]:
    ids = found.ids
    if not ids.given:
        yield "  Ids: none; a row is known by what it says"
    else:
        other = f", {_said(ids.changed)} of them with other contents" if ids.changed.count else ""
        repeated = f"; {_said(ids.repeated)} repeat an earlier one{other}" if ids.repeated.count else ""
        yield f"  Ids: {ids.given:,}{repeated}"
    for tally in ids.ruined[:_SHOWN]:
        example = f", like {tally.example}" if tally.example else ""
        yield f"    ruined by Excel: {tally.count:,} × {tally.what}{example}"
    if ids.ruined:
        yield "    Export the file anew and don't open it in Excel, or format the column as text before."


def _personal(found: Examination) -> Iterator[str]:
    pieces = (
        _joined(found.personal) + f" (in {found.texts_with_personal:,} texts), masked" if found.personal else "none"
    )
    customers = f"; {found.customers_named:,} name their customer, kept as a code" if found.customers_named else ""
    yield f"  Personal data: {pieces}{customers}"


def _tallies(title: str, unit: str, tallies: Sequence[Tally]) -> Iterator[str]:
    if not tallies:
        return
    yield f"  {title}: {sum(tally.count for tally in tallies):,} {unit}"
    for tally in tallies[:_SHOWN]:
        yield f"    {tally.count:,} × {tally.what}: {tally.example}"
    yield from _more(tallies)


def _more(tallies: Sequence[Tally]) -> Iterator[str]:
    rest = tallies[_SHOWN:]
    if rest:
        yield f"    … {sum(tally.count for tally in rest):,} of {len(rest):,} other kinds"


def _joined(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{what} {count:,}" for what, count in counts.items())


def _said(count: Count) -> str:
    return f"{count.count:,}" if count.exact else f"about {count.count:,}"
