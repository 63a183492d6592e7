"""A digest as a person reads it: Markdown or one self-contained HTML file. Its JSON is in `json_form`.

Everything that comes from outside (quotes, names of aspects, channels, products, the project) passes an escape on its
way out, in Markdown as in HTML: both template environments escape every expression by default.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from math import ceil

import jinja2
from markupsafe import Markup

from feedback.digest import charts
from feedback.digest.conclusions import change_name, conclusions, has_previous, no_previous
from feedback.digest.json_form import from_json, to_json
from feedback.digest.notes import notes
from feedback.digest.phrases import NO_NAMES, Phrases
from feedback.journey.model import AspectFinding, Change, Digest, Disagreement, StageFinding, Tally

__all__ = ["from_json", "to_html", "to_json", "to_markdown"]

_QUOTE_SHOWN = 140  # characters of a long quote before the fold; the rest unfolds
_QUOTE_SLACK = 40  # a fold that would hide less than this is not worth it


def to_markdown(digest: Digest, lang: str, aspects: Mapping[str, str] = NO_NAMES) -> str:
    """The digest as Markdown in `zh` or `en`, quotes in full and in the customer's own words. `aspects` as for `Phrases`."""
    return re.sub(r"\n{3,}", "\n\n", _fill("digest.md.j2", digest, Phrases(digest, lang, aspects)))


def to_html(digest: Digest, lang: str, aspects: Mapping[str, str] = NO_NAMES) -> str:
    """The digest as one HTML file in `zh` or `en` that requests nothing, runs no script, and prints."""
    return _fill("digest.html.j2", digest, Phrases(digest, lang, aspects))


def _fill(template: str, digest: Digest, words: Phrases) -> str:
    return _environment(template).get_template(template).render(d=digest, w=words, page=_Page(digest, words))


@cache
def _environment(template: str) -> jinja2.Environment:
    finalize = _markdown_value if template.endswith(".md.j2") else _html_value
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("feedback.digest"),
        autoescape=True,
        finalize=finalize,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Callable[..., object]] = {"quoted": _quoted, "folded": _folded}
    environment.filters.update(filters)
    return environment


class _Page:
    """What the templates ask besides the digest itself."""

    def __init__(self, digest: Digest, words: Phrases) -> None:
        self._digest = digest
        self._words = words
        self.compared = has_previous(digest)
        self.spoken = digest.overview.tally.effective > 0  # otherwise there is nothing but the notes
        self.conclusions = conclusions(digest, words)
        self.no_previous = no_previous(digest, words)
        self.notes = notes(digest, words)
        self.stages = [s for s in digest.stages if s.stage != "none"]
        self.undetermined = [s for s in digest.stages if s.stage == "none"]
        self._moved_stages = {c.stage for c in digest.changes if c.measure == "net" and c.subject == "stage"}

    def changes(self, measure: str) -> list[Change]:
        return [c for c in self._digest.changes if c.measure == measure]

    def change_name(self, change: Change) -> str:
        return change_name(change, self._words)

    def change_style(self, change: Change) -> str:
        """A share that grows is neither good nor bad news."""
        if change.measure == "share":
            return "level"
        return "positive" if change.difference > 0 else "negative"

    def arrow(self, difference: float) -> str:
        return "▲" if difference > 0 else "▼"

    def versus_stage(self, stage: StageFinding) -> str:
        """The difference in points, none from samples too small to rank; an arrow only when the digest lists it as a change."""
        return self._versus(stage.tally, stage.previous, marked=stage.stage in self._moved_stages)

    def versus_stage_spelled(self, stage: StageFinding) -> str:
        return self._spelled_out(self.versus_stage(stage))

    def versus_aspect(self, finding: AspectFinding) -> str:
        """The difference in points; never an arrow, because what the digest lists is the aspect over all stages, not this part of it."""
        return self._spelled_out(self._versus(finding.tally, finding.previous))

    def versus_all(self) -> str:
        overview = self._digest.overview
        return self._spelled_out(self._versus(overview.tally, overview.previous))

    def _versus(self, now: Tally, before: Tally | None, *, marked: bool = False) -> str:
        if before is None or before.net is None or now.net is None:
            return self._words("no_figure")
        if min(now.effective, before.effective) < self._digest.parameters.minimum_n:
            return self._words("too_few")
        difference = now.net - before.net
        arrow = f"{self.arrow(difference)} " if marked else ""
        return arrow + self._words.signed_points(difference)

    def _spelled_out(self, points: str) -> str:
        if points == self._words("no_figure"):
            return self._words("no_before")
        if points == self._words("too_few"):
            return self._words("too_few_versus")
        return self._words("versus", points=points)

    def net_strip(self, name: str, now: Tally, before: Tally | None) -> Markup:
        before = before if self.compared else None
        said = {"name": name, "net": self._words.net(now.net), "interval": self._words.interval(now.low, now.high)}
        if before is None or before.net is None:
            return charts.net_strip(now, None, self._words("label_net", **said))
        label = self._words("label_net_previous", **said, before=self._words.net(before.net))
        return charts.net_strip(now, before, label)

    def volume_strip(self, stage: StageFinding) -> Markup:
        before = stage.previous_share if self.compared else None
        shares = [s.share or 0.0 for s in self._digest.stages]
        shares += [s.previous_share or 0.0 for s in self._digest.stages if self.compared]
        said = {"name": self._words.name("stage", stage.stage), "share": self._words.percent(stage.share)}
        label = self._words("label_volume", **said)
        if before is not None:
            label = self._words("label_volume_previous", **said, before=self._words.percent(before))
        return charts.volume_strip(stage.share or 0.0, before, max(shares), label)

    def change_scale(self, measure: str) -> tuple[str, str, str]:
        span = self._change_span(measure)
        return self._words.signed_points(-span), "0", self._words("points", points=self._words.signed_points(span))

    def _change_span(self, measure: str) -> float:
        """Half the axis of a group of change bars: what the longest needs, rounded up to a whole number of points."""
        longest = max(max(abs(c.low), abs(c.high), abs(c.difference)) for c in self.changes(measure))
        step = 0.1 if measure == "net" else 0.01
        return step * max(1, ceil(round(longest / step, 6)))

    def change_strip(self, change: Change) -> Markup:
        span = self._change_span(change.measure)
        label = self._words(
            "label_change",
            name=self.change_name(change),
            measure=self._words(f"changes_{change.measure}"),
            points=self._words.signed_points(change.difference),
            interval=self._words.point_interval(change.low, change.high),
        )
        point = charts.Point(change.difference, change.low, change.high, self.change_style(change))
        return charts.change_strip(point, span, label)

    def disagreement_strip(self, disagreement: Disagreement) -> Markup:
        views = (disagreement.worst, disagreement.best)
        points = [
            charts.Point(v.tally.net, v.tally.low, v.tally.high, style)
            for v, style in zip(views, ("negative", "positive"), strict=True)
            if v.tally.net is not None and v.tally.low is not None and v.tally.high is not None
        ]
        worst, best = (self._words.name("channel", v.channel) for v in views)
        worst_net, best_net = (self._words.net(v.tally.net) for v in views)
        said = {"best": best, "best_net": best_net, "worst": worst, "worst_net": worst_net}
        label = self._words("label_disagreement", name=self._words.aspect(disagreement.aspect), **said)
        return charts.points_strip(points, label)

    def polarity_share(self, tally: Tally, style: str) -> str:
        """How much of it is complaint or praise: what makes a pain point or a highlight of it."""
        count = tally.negative if style == "negative" else tally.positive
        share = count / tally.effective if tally.effective else None
        return self._words(f"{style}_share", share=self._words.percent(share))

    def polarity(self, tally: Tally) -> str:
        n = self._words.integer
        counts = {"negative": n(tally.negative), "neutral": n(tally.neutral), "positive": n(tally.positive)}
        return self._words("polarity", **counts)

    def polarity_bar(self, name: str, tally: Tally) -> Markup:
        return charts.polarity_bar(tally, self._words("label_polarity", name=name, polarity=self.polarity(tally)))


# C0 and C1 controls but tab and line feed: a terminal obeys them, HTML forbids them. Direction overrides turn round
# what follows the quote. Lone surrogates can't be written.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LINE_END = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")


def _visible(text: str) -> str:
    """Line ends as "\\n", control characters as something a reader sees and nothing obeys."""
    return _CONTROL.sub(_picture, _LINE_END.sub("\n", text))


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "\ufffd"


def _html_value(value: object) -> Markup:
    return value if isinstance(value, Markup) else Markup(html.escape(_visible(str(value))))


_MARKDOWN_ANYWHERE = re.compile(r"[\\`*_\[\]<|~$]|&(?=#?\w+;)")
_MARKDOWN_AT_START = re.compile(r"^(\d+)?((?(1)[.)](?=\s|$)|(?:[#>=]|[+-](?=[\s-]|$))))")


def _escape_markdown(text: str) -> str:
    return _MARKDOWN_ANYWHERE.sub(r"\\\g<0>", _visible(text))


def _escape_line_start(line: str) -> str:
    """`line` where a list, heading or rule could begin; blanks there would make code of it, and are dropped."""
    return _MARKDOWN_AT_START.sub(lambda m: f"{m[1] or ''}\\{m[2]}", line.strip())


def _markdown_value(value: object) -> Markup:
    """For running text, where a line end would end the paragraph or the table row."""
    return value if isinstance(value, Markup) else Markup(" ".join(_escape_markdown(str(value)).split("\n")))


def _quoted(text: str, indent: str) -> Markup:
    """A quote's lines, each after the first led by `indent` and "> ", with a hard break (two blanks) between them."""
    lines = [_escape_line_start(line) for line in _escape_markdown(text).split("\n")]
    return Markup(f"  \n{indent}> ".join(lines))


def _folded(text: str) -> tuple[str, str]:
    """What is shown of a quote at once, and the rest: cut after a sentence or clause, never inside a character."""
    if len(text) <= _QUOTE_SHOWN + _QUOTE_SLACK:
        return text, ""
    stops = [m.end() for m in re.finditer(r"[。！？!?；;，,\n]+", text[:_QUOTE_SHOWN])]
    end = stops[-1] if stops and stops[-1] > _QUOTE_SHOWN // 2 else _QUOTE_SHOWN
    while end > 1 and _continues(text[end - 1], text[end]):
        end -= 1
    return text[:end], text[end:]


def _continues(before: str, after: str) -> bool:
    """Whether `after` belongs to the same character as `before`: accents, emoji parts and joiners."""
    joined = after == "\u200d" or before == "\u200d" or "\U0001f3fb" <= after <= "\U0001f3ff"
    return joined or unicodedata.category(after) in ("Mn", "Me")
