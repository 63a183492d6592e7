"""Numbers, dates and names as a reader of one language expects them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from zoneinfo import ZoneInfo

from feedback.digest.words import NAMES, WORDS, Language
from feedback.errors import DigestError
from feedback.journey.model import Digest, Period, Quote, ScoreCard, Tally

NO_NAMES: Mapping[str, str] = MappingProxyType({})
SMALL_N = 30  # below it an interval is wide and a reader is told so

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS_ZH = "一二三四五六日"
_QUARTERS_ZH = "一二三四"
_WEEKDAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Phrases:
    """Words and formats for one digest in one language; `DigestError` when its language, zone or dates are no such.

    `aspects`: what that language calls the aspects, by their keys; one that is not there is called by its key.
    """

    def __init__(self, digest: Digest, lang: str, aspects: Mapping[str, str] = NO_NAMES) -> None:
        if lang not in WORDS:
            raise DigestError(f"No wording in language '{lang}'. Known: {', '.join(sorted(WORDS))}.")
        self.lang: Language = "zh" if lang == "zh" else "en"
        self._words = WORDS[self.lang]
        self._aspects = aspects
        self._digest = digest
        self._zone = _zone(digest.parameters.timezone)
        self._span = _span_kind(digest.parameters.period)
        self._spoken = {"this": self._words[f"this_{self._span}"], "last": self._words[f"last_{self._span}"]}

    def __call__(self, key: str, **values: object) -> str:
        """The wording of that key; `{this}` and `{last}` name the period and the one before."""
        return self._words[key].format(**self._spoken, **values)

    def count(self, noun: str, n: int) -> str:
        one, _, many = self._words[noun].partition("|")
        return (one if n == 1 or not many else many).format(n=self.integer(n))

    def name(self, kind: str, key: str) -> str:
        """What a stage, channel, kind, noise or metric is called; an unknown one is called by its own key."""
        names = NAMES[kind].get(key)
        return key if names is None else names[self.lang == "en"]

    def aspect(self, key: str) -> str:
        return self._aspects.get(key, key)

    def names(self, stage: str, aspect: str) -> str:
        return self.name("stage", stage) + self("name_gap") + self.aspect(aspect)

    # Numbers: a true minus sign, one digit after the point, never "-0.0".

    def integer(self, n: int) -> str:
        return f"{n:,}".replace("-", "−")

    def percent(self, share: float | None) -> str:
        return self("no_figure") if share is None else f"{_fixed(share, 1, 2)}%"

    def net(self, net: float | None) -> str:
        return self("no_figure") if net is None else f"{_signed(net, 1, 2)}%"

    def interval(self, low: float | None, high: float | None) -> str:
        return self("no_figure") if low is None or high is None else self("to", low=self.net(low), high=self.net(high))

    def signed_points(self, difference: float) -> str:
        """A difference of two shares or nets, in points, sign always shown, without the unit."""
        return _signed(difference, 1, 2)

    def point_interval(self, low: float, high: float) -> str:
        return self("to", low=self.signed_points(low), high=self.signed_points(high))

    def unsigned_points(self, difference: float) -> str:
        return self("points", points=_fixed(abs(difference), 1, 2))

    def n(self, tally: Tally) -> str:
        return self.sample(tally.effective)

    def sample(self, n: int) -> str:
        """A sample's size, and that it is small when it is."""
        return self("n_small" if 0 < n < SMALL_N else "n", n=self.integer(n))

    def aside(self, *facts: str) -> str:
        """Facts in brackets, as running text has them."""
        return self("aside", text=self("item_gap").join(facts))

    def measure(self, measure: str, value: float) -> str:
        return self.net(value) if measure == "net" else self.percent(value)

    def score(self, card: ScoreCard, value: float) -> str:
        if card.metric == "nps":
            return _signed(value, 1)
        return f"{_fixed(value, 1)}%" if card.metric == "csat" else _fixed(value, 2)

    def score_scale(self, card: ScoreCard) -> str:
        return self("score_scale", low=f"{card.scale_low:g}", high=f"{card.scale_high:g}")

    # Dates, local to the project's time zone.

    def title(self) -> str:
        return self(f"title_{self._span}")

    def period(self, period: Period) -> str:
        days = _days(period)
        if days is None:
            return self("all_time")
        first, last = days
        kind = "day" if first == last else _span_kind(period)
        return self._stretch_zh(first, last, kind) if self.lang == "zh" else self._stretch_en(first, last, kind)

    def _stretch_zh(self, first: date, last: date, kind: str) -> str:
        if kind == "day":
            return f"{self._day(first, None)}（周{_WEEKDAYS_ZH[first.weekday()]}）"
        if kind == "month":
            return f"{first.year}年{first.month}月"
        if kind == "quarter":
            return f"{first.year}年第{_QUARTERS_ZH[first.month // 3]}季度"
        return f"{self._day(first, None)}—{self._day(last, first)}"

    def _stretch_en(self, first: date, last: date, kind: str) -> str:
        if kind == "day":
            return f"{_WEEKDAYS_EN[first.weekday()]}, {self._day(first, None)}"
        if kind == "month":
            return f"{_MONTHS[first.month - 1]} {first.year}"
        if kind == "quarter":
            return f"Q{first.month // 3 + 1} {first.year}"
        return f"{self._day(first, last)} – {self._day(last, None)}"

    def quote_date(self, quote: Quote) -> str:
        """The local day it was written; the year only where the digest's own period does not say it."""
        if quote.posted_at is None:
            return self("date_unknown")
        local = self._local(quote.posted_at, f"verbatim #{quote.verbatim_id}")
        days = _days(self._digest.parameters.period)
        return self._day(local.date(), days[1] if days else None)

    def moment(self, stamp: str) -> str:
        local = self._local(stamp, "the digest")
        return f"{self._day(local.date(), None)} {local:%H:%M}"

    def _day(self, day: date, known: date | None) -> str:
        """`known`: a date the reader has beside it, whose year need not be said again."""
        year = known is None or known.year != day.year
        if self.lang == "zh":
            return (f"{day.year}年" if year else "") + f"{day.month}月{day.day}日"
        return f"{day.day} {_MONTHS[day.month - 1]}" + (f" {day.year}" if year else "")

    def _local(self, stamp: str, whose: str) -> datetime:
        try:
            moment = datetime.fromisoformat(stamp)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(self._zone)
        except (ValueError, OverflowError):
            raise DigestError(f"The date of {whose} is '{stamp}', which is no point in time.") from None


def _rounded(value: float, digits: int, shift: int) -> Decimal:
    # Half away from zero, as spreadsheets do: a reader checks by hand.
    exact = Decimal(repr(float(value))).scaleb(shift)
    return exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) + 0


def _fixed(value: float, digits: int, shift: int = 0) -> str:
    """`value` times 10 to the `shift`."""
    return f"{_rounded(value, digits, shift):,}".replace("-", "−")


def _signed(value: float, digits: int, shift: int = 0) -> str:
    plus = "+" if _rounded(value, digits, shift) > 0 else ""
    return plus + _fixed(value, digits, shift)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; absolute path; a folder of the zone database
        raise DigestError(f"The digest's time zone '{name}' is not in the time zone database.") from None


def _days(period: Period) -> tuple[date, date] | None:
    """First and last day, both inclusive."""
    if period.start is None or period.end is None:
        return None
    try:
        first, last = date.fromisoformat(period.start), date.fromisoformat(period.end) - timedelta(days=1)
    except (ValueError, OverflowError):
        raise DigestError(f"The digest's period '{period.start}' to '{period.end}' is not made of dates.") from None
    if last < first:
        raise DigestError(f"The digest's period '{period.start}' to '{period.end}' holds no day.")
    return first, last


def _span_kind(period: Period) -> str:
    """How to speak of the period: its kind, or `range` when it is a stretch of days that only resembles it."""
    days = _days(period)
    if days is None:
        return "all"
    first, last = days
    after = last + timedelta(days=1)
    whole = {
        "day": first == last,
        "week": first.weekday() == 0 and (last - first).days == 6,
        "month": first.day == 1 and after.day == 1 and (last - first).days < 31,
        "quarter": first.day == 1 and first.month % 3 == 1 and after.day == 1 and 88 < (last - first).days < 92,
    }
    return period.kind if whole.get(period.kind, False) else "range"
