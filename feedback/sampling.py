"""Counting copies among any number of texts in a memory of fixed size.

What is compared are values that are as good as drawn by chance: hashes. While there are few, all are kept and the count is exact. When
there are too many, a half of them is let go, by a bit of the value, and each of the others stands for two from then on; whatever is
kept is kept with all its copies (Gibbons 2001, distinct sampling). The commonest stay and go on standing for themselves alone: a text
that a tenth of all customers wrote must not come out as none or as five tenths.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Generic, Protocol, TypeVar

from storage.records import Fingerprint

MOST_VALUES = 50_000
MOST_CHARACTERS = 5_000_000  # of the texts that are kept to be compared
_CHARACTERS_OF_A_COPY = 40  # what noting one takes
_ORIGINALS_OF_A_BAND = 8  # texts that are nothing alike may have one in common
_COMMON_SHARE = 4  # one in so many may stay because it is common

Similar = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Count:
    """A number, and whether it is one or an estimate."""

    count: int
    exact: bool = True


class _Entry(Protocol):
    weight: int  # how many values it stands for
    copies: float


Kept = TypeVar("Kept", bound=_Entry)


class Sample(Generic[Kept]):
    """What is kept under each hash, of all hashes or of a share of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.step = 1  # one new value in so many is taken in
        self.kept: dict[int, Kept] = {}

    def takes(self, value: int) -> bool:
        return value in self.kept or not value % self.step

    def put(self, value: int, entry: Kept) -> None:
        """`entry` has the weight `step`."""
        self.kept[value] = entry
        while len(self.kept) > self._most:
            self.halve()

    def halve(self) -> None:
        self.step *= 2
        common = nlargest(len(self.kept) // _COMMON_SHARE, self.kept, key=lambda value: self.kept[value].copies)
        staying = {value for value in common if self.kept[value].copies > 1}
        left: dict[int, Kept] = {}
        for value, entry in self.kept.items():
            if value in staying:
                left[value] = entry
            elif not value // entry.weight & 1:
                entry.weight *= 2
                left[value] = entry
        self.kept = left

    def estimate(self, of_entry: Callable[[Kept], float]) -> Count:
        found = sum(entry.weight * of_entry(entry) for entry in self.kept.values())
        return Count(round(found), self.step == 1)


@dataclass(slots=True)
class _Value:
    weight: int
    contents: int
    label: str
    copies: float = 0
    changed: int = 0
    is_void: bool = False


class Repeats:
    """How many of the values added were there before, how many of these with other contents, and how many came to nothing."""

    def __init__(self, most: int = MOST_VALUES) -> None:
        self._sample: Sample[_Value] = Sample(most)

    def add(self, value: int, contents: int = 0, label: str = "") -> bool:
        """Whether the value was there before, as far as the sample tells."""
        known = self._sample.kept.get(value)
        if known is not None:
            known.copies += 1
            known.changed += contents != known.contents
            return True
        if self._sample.takes(value):
            self._sample.put(value, _Value(self._sample.step, contents, label))
        return False

    def void(self, value: int) -> None:
        """Of a value that was added nothing is left."""
        known = self._sample.kept.get(value)
        if known is not None:
            known.is_void = True

    @property
    def repeated(self) -> Count:
        return self._sample.estimate(lambda value: value.copies)

    @property
    def changed(self) -> Count:
        return self._sample.estimate(lambda value: value.changed)

    def lost(self, label: str) -> Count:
        """How many with this label are not there in the end: one that came before took their place, or they are void."""
        return self._sample.estimate(lambda value: (value.copies + value.is_void) * (value.label == label))


@dataclass(slots=True)
class _Band:
    """The first texts that had a band, and their near copies found by it: one that has more bands in common with them counts in parts."""

    weight: int
    originals: list[tuple[str, Fingerprint]]
    copies: float = 0
    seen: set[int] = field(default_factory=set)  # the copies, each once: what repeats one is an exact copy

    @property
    def size(self) -> int:
        return sum(len(text) for text, _ in self.originals) + _CHARACTERS_OF_A_COPY * len(self.seen)


class Copies:
    """Exact and near copies among texts, as collecting finds them (`feedback.copies`)."""

    def __init__(self, similar: Similar, most: int = MOST_VALUES, most_characters: int = MOST_CHARACTERS) -> None:
        self._similar = similar
        self._most_characters = most_characters
        self._exact = Repeats(most)
        self._bands: Sample[_Band] = Sample(most)
        self._near = self._characters = 0

    def add(self, text: str, fingerprint: Fingerprint) -> None:
        """A text and its fingerprint (`feedback.copies.fingerprints`)."""
        if fingerprint.exact is None or self._exact.add(fingerprint.exact):
            return
        known = {band: self._bands.kept.get(band) for band in fingerprint.bands if self._bands.takes(band)}
        compared: dict[int, bool] = {}
        near = found = False
        for each in known.values():
            original = self._original(each, text, fingerprint, compared) if each else None
            if each and original is not None:
                found = True
                near |= original is each.originals[0]  # collecting compares with the first alone
                each.copies += 1 / len({*original[1].bands} & {*fingerprint.bands})
                each.seen.add(fingerprint.exact)
                self._characters += _CHARACTERS_OF_A_COPY
        self._near += near
        if not found:  # only originals are compared with: a copy of a copy resembles the original
            self._keep(known, text, fingerprint)
        while self._characters > self._most_characters and self._bands.kept:
            self._bands.halve()
            self._characters = sum(each.size for each in self._bands.kept.values())

    def _original(
        self, band: _Band, text: str, fingerprint: Fingerprint, compared: dict[int, bool]
    ) -> tuple[str, Fingerprint] | None:
        """That of a band which the text is a near copy of, not an exact one, which a sample need not have noticed."""
        if fingerprint.exact in band.seen or any(each.exact == fingerprint.exact for _, each in band.originals):
            return None
        for original in band.originals:
            key = id(original[0])
            if key not in compared:
                compared[key] = self._similar(original[0], text)
            if compared[key]:
                return original
        return None

    def _keep(self, known: Mapping[int, _Band | None], text: str, fingerprint: Fingerprint) -> None:
        for band, each in known.items():
            if each is None and self._bands.takes(band):
                self._bands.put(band, _Band(self._bands.step, [(text, fingerprint)]))
            elif each is not None and len(each.originals) < _ORIGINALS_OF_A_BAND:
                each.originals.append((text, fingerprint))
            else:
                continue
            self._characters += len(text)

    @property
    def exact(self) -> Count:
        return self._exact.repeated

    @property
    def near(self) -> Count:
        if self._bands.step == 1:
            return Count(self._near, self.exact.exact)
        return self._bands.estimate(lambda band: band.copies)
