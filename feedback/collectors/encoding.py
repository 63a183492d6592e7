"""Text files in whatever encoding they come: found, not asked for.

Known: UTF-8, GB18030 (GBK, GB2312), Big5 with the Hong Kong characters, UTF-16 of both byte orders, each with or
without a byte order mark. Files glued together from several encodings are read line by line. A line that
no encoding reads is handed out with its bytes as lone surrogates and listed in `Lines.troubles`; nothing is ever
replaced by U+FFFD or left out.
"""

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import AnyStr, BinaryIO

from feedback.errors import CollectError

MAX_LINE_BYTES = 16 * 1024 * 1024
_BLOCK = 1024 * 1024
_HEAD, _PIECE = 256 * 1024, 128 * 1024

_BINARY = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3\x00", "a SQLite database"),
)

# The commonest characters of written Chinese, in both scripts. Bytes read in the wrong encoding give rare ones:
# the share of these tells GB18030 from Big5, whose byte ranges overlap almost wholly.
_COMMON = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学"
    "如都同现当没动面起看定天分还进好小部其些主样理心本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间"
    "由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真"
    "论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决"
    "治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带"
    "导争运买店吃味服务快递包装质价格差慢评客喜欢满货送颜香用效"
    "這個們來為國說時會對於後裡過發從還進開經麼種無長樣現當動學東見點問間關聽應頭體兩實機與給幾認題氣變電數報結總場計員論處義達權覺術領確傳師觀"
    "帶讓識導爭運買賣飯點評價質裝遞務歡滿貨顏廳區門車錢萬難書記邊張條類據規設該隊馬嘅係唔咗喺佢哋啲冇嚟"
)
_HAN = re.compile(r"[㐀-鿿豈-﫿]")
_USUAL = re.compile("[\r\n\t -~\u2000-\u206f\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef\U0001f300-\U0001faff]")
_UTF8_HAN = re.compile(rb"[\xe3-\xe9][\x80-\xbf]{2}|\xef[\xbc-\xbf][\x80-\xbf]")
_UTF8_RUN = re.compile(rb"(?:[\xe3-\xe9][\x80-\xbf]{2}|\xef[\xbc-\xbf][\x80-\xbf]){2}")
_CUTS = re.compile(rb'[\r\n",]')  # bytes that are never the second half of a character in any of the encodings
_NON_ASCII = bytes(range(0x80, 0x100))
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file is to be read: `main`, `second` for the lines `main` can't read, and bytes of the mark to skip."""

    main: str
    second: str | None = None
    mark: int = 0


@dataclass(frozen=True, slots=True)
class Trouble:
    """A line that can't be used: its number, counted from 1, and why."""

    line: int
    reason: str


def detect(path: Path) -> str:
    """The Python name of the file's encoding: utf-8, gb18030, big5hkscs, utf-16-le or utf-16-be.

    Decided on the head, the middle and the tail. `CollectError` when the file is missing, empty or not text.
    """
    return find_encoding(path).main


def find_encoding(path: Path) -> Encoding:
    """As `detect`, with what else reading needs."""
    with open_binary(path) as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        head = file.read(_HEAD)
        if not head.strip():
            raise CollectError(f"{path} is empty.")
        for mark, name in (
            (codecs.BOM_UTF8, "utf-8"),
            (codecs.BOM_UTF16_LE, "utf-16-le"),
            (codecs.BOM_UTF16_BE, "utf-16-be"),
        ):
            if head.startswith(mark):
                return Encoding(name, "gb18030" if name == "utf-8" else None, len(mark))
        refuse_binary(path, head)
        if wide := _wide(head):
            return Encoding(wide)
        if head.count(0) * 20 > len(head):
            raise CollectError(f"{path} is not a text file. Export it again as CSV, Excel (.xlsx) or JSON.")
        return _judge(path, _pieces(file, head, size))


def open_binary(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise CollectError(f"No file at {path}.") from None
    except IsADirectoryError:
        raise CollectError(f"{path} is a folder, not a file.") from None
    except OSError as error:
        raise CollectError(f"{path} can't be read: {error.strerror}.") from error


def refuse_binary(path: Path, head: bytes) -> None:
    """`CollectError` naming what the file really is, when its first bytes say so."""
    for magic, what in _BINARY:
        if head.startswith(magic):
            raise CollectError(f"{path} is {what}, not text. Export the data as CSV, Excel (.xlsx) or JSON.")


class Lines:
    """The lines of a text file, line ends kept, in bounded memory. An iterator and a context manager.

    `troubles` collects the lines that can't be used as they are handed out; who reads takes them from there. A line
    over `MAX_LINE_BYTES` comes out empty and in trouble.
    """

    def __init__(self, path: Path, encoding: Encoding) -> None:
        self.path = path
        self.encoding = encoding
        self.line = 0  # number of the line handed out last
        self.troubles: list[Trouble] = []
        self._file = open_binary(path)
        self._file.seek(encoding.mark)
        self._lines = self._wide_lines() if encoding.main.startswith("utf-16") else self._byte_lines()

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def __next__(self) -> str:
        return next(self._lines)

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def _byte_lines(self) -> Iterator[str]:
        for block in self._blocks():
            if block is None:
                yield self._overlong()
                continue
            text = self._decode_block(block)
            if text is not None and "\0" not in text and "\ufeff" not in text:
                for line in io.StringIO(text, newline=""):
                    self.line += 1
                    yield line
                continue
            for raw in block.splitlines(keepends=True):
                self.line += 1
                line = self._decode(raw)
                self._check(line)
                yield line.removeprefix("\ufeff")  # the mark of a file that was glued on

    def _decode_block(self, block: bytes) -> str | None:
        """Many lines at once; None when some of them may be in another encoding and each has to be looked at."""
        main = "utf-8" if block.isascii() else self.encoding.main
        try:
            text = block.decode(main)
        except UnicodeDecodeError:
            return None
        if main != "utf-8":  # UTF-8 lines may read as GB18030 or Big5 without an error
            for run in _UTF8_RUN.finditer(block):
                start = block.rfind(b"\n", 0, run.start()) + 1
                end = block.find(b"\n", run.end())
                if _mostly_utf8(block[start : end if end >= 0 else len(block)]):
                    return None
        return text

    def _blocks(self) -> Iterator[bytes | None]:
        """Whole lines, about a megabyte at a time; None for a line too long to hold."""
        rest = b""
        while chunk := self._file.read(_BLOCK):
            end = _last_line_end(chunk, b"\n", b"\r")
            if end:
                yield rest + chunk[:end]
                rest = chunk[end:]
            else:
                rest += chunk
            if len(rest) > MAX_LINE_BYTES:
                yield None
                self._skip_line()
                rest = b""
        if rest:
            yield rest

    def _skip_line(self) -> None:
        while chunk := self._file.read(_BLOCK):
            ends = [end for end in (chunk.find(b"\n"), chunk.find(b"\r")) if end >= 0]
            if ends:
                self._file.seek(min(ends) + 1 - len(chunk), io.SEEK_CUR)
                return

    def _wide_lines(self) -> Iterator[str]:
        for block in self._wide_blocks():
            for line in io.StringIO(block, newline=""):
                self.line += 1
                self._check(line)
                yield line

    def _wide_blocks(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(self.encoding.main)("surrogatepass")
        rest = ""
        while chunk := self._file.read(_BLOCK):
            rest += decoder.decode(chunk)
            if end := _last_line_end(rest, "\n", "\r"):
                yield rest[:end]
                rest = rest[end:]
            if len(rest) * 2 > MAX_LINE_BYTES:
                raise CollectError(
                    f"{self.path}: a line is longer than {MAX_LINE_BYTES >> 20} MB. Is this a table? "
                    "Save it again from Excel as CSV UTF-8."
                )
        try:
            rest += decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            rest += "\udc80"  # half a character: the file was cut off here
        if rest:
            yield rest

    def _overlong(self) -> str:
        self.line += 1
        self.troubles.append(Trouble(self.line, f"the line is longer than {MAX_LINE_BYTES >> 20} MB"))
        return "\n"

    def _check(self, line: str) -> None:
        if "\0" in line:
            self.troubles.append(Trouble(self.line, "it holds NUL bytes: the file is damaged here"))
        elif _SURROGATE.search(line):
            self.troubles.append(Trouble(self.line, f"its bytes are not {_title(self.encoding)}"))

    def _decode(self, raw: bytes) -> str:
        for name in self._readings(raw):
            try:
                return raw.decode(name)
            except UnicodeDecodeError:
                continue
        return raw.decode("utf-8", "surrogateescape")

    def _readings(self, raw: bytes) -> tuple[str, ...]:
        """The encodings worth trying on a line. Broken UTF-8 often is valid GB18030, so it must not be read as that."""
        if raw.isascii() or _mostly_utf8(raw):
            return ("utf-8",)
        if self.encoding.main == "utf-8":
            return ("utf-8", self.encoding.second) if self.encoding.second else ("utf-8",)
        return (self.encoding.main,)


def open_text(path: Path) -> Lines:
    """The lines of a text file in the encoding found for it."""
    return Lines(path, find_encoding(path))


def read_text(path: Path, limit_bytes: int) -> str:
    """A whole text file. Bytes no encoding reads come as lone surrogates; `CollectError` over the limit."""
    with open_binary(path) as file:
        size = file.seek(0, io.SEEK_END)
    if size > limit_bytes:
        raise CollectError(
            f"{path} has {size >> 20} MB; a file of this kind is read whole and may have {limit_bytes >> 20} MB. "
            "Save it as JSON Lines (.jsonl), one record a line, or split it."
        )
    encoding = find_encoding(path)
    raw = path.read_bytes()[encoding.mark :]
    try:
        return raw.decode(encoding.main)
    except UnicodeDecodeError:
        pass
    if encoding.main.startswith("utf-16"):
        return raw[: len(raw) & ~1].decode(encoding.main, "surrogatepass")
    lines = Lines(path, encoding)
    with lines:
        return "".join(lines._decode(line) for line in raw.splitlines(keepends=True))


def _last_line_end(chunk: AnyStr, newline: AnyStr, carriage_return: AnyStr) -> int:
    """Where the last whole line of a chunk ends, 0 when none does. A \\r at the very end may be half of \\r\\n."""
    return chunk.rfind(newline) + 1 or chunk.rfind(carriage_return, 0, len(chunk) - 1) + 1


def _mostly_utf8(raw: bytes) -> bool:
    """Whether most of the non-ASCII bytes form Chinese characters in UTF-8, even if some are broken."""
    return len(_UTF8_HAN.findall(raw)) * 6 > len(raw) - len(raw.translate(None, _NON_ASCII))


def _title(encoding: Encoding) -> str:
    names = {"gb18030": "GB18030", "big5hkscs": "Big5", "utf-8": "UTF-8"}
    if encoding.main.startswith("utf-16"):
        return "UTF-16"
    both = ["utf-8", encoding.second or encoding.main]
    return " or ".join(names[name] for name in dict.fromkeys(both))


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: its ASCII, at least the line ends, leaves zero bytes, and it reads as usual characters."""
    if head.count(0) * 200 < len(head):
        return None
    usual, name = max((_usual(head, name), name) for name in ("utf-16-be", "utf-16-le"))
    return name if usual >= 0.9 else None


def _usual(head: bytes, name: str) -> float:
    try:
        text = codecs.getincrementaldecoder(name)().decode(head)
    except UnicodeDecodeError:
        return 0.0
    return len(_USUAL.findall(text)) / max(len(text), 1)


def _pieces(file: BinaryIO, head: bytes, size: int) -> list[bytes]:
    """Non-ASCII runs from the head, middle and tail of the file, cut where no character can be cut."""
    chunks = [head if size <= len(head) else head[: _last_cut(head)]]
    if size > len(head):
        if chunks[0].isascii():  # English columns and ids first: go on to where the text begins
            file.seek(len(head))
            while (chunk := file.read(_BLOCK)) and chunk.isascii():
                pass
            chunks.append(chunk[:_HEAD])
        for start in (size // 2, size - _PIECE):
            file.seek(max(start, len(head)))
            chunks.append(file.read(_PIECE))
    pieces = []
    for number, chunk in enumerate(chunks):
        parts = _CUTS.split(chunk)
        # Cut at both ends, except that the first chunk begins at a character and a whole file ends at one.
        inner = parts if number == 0 else parts[1:-1]
        pieces += [part for part in inner if not part.isascii()]
    return pieces


def _last_cut(chunk: bytes) -> int:
    return max(chunk.rfind(cut) for cut in (b"\n", b"\r", b'"', b",")) + 1 or len(chunk) - 4


def _judge(path: Path, pieces: list[bytes]) -> Encoding:
    others = [piece for piece in pieces if not _reads(piece, "utf-8")]
    # A short GBK text may be valid UTF-8 by accident, but then without a three-byte character.
    certain = [piece for piece in pieces if _UTF8_HAN.search(piece) and _reads(piece, "utf-8")]
    if not others and (certain or not pieces):
        return Encoding("utf-8", "gb18030")
    judged = others or pieces
    likeness, best = max((_likeness(judged, name), name) for name in ("big5hkscs", "gb18030"))
    if not others:  # Latin text, or such an accident
        return Encoding(best) if likeness > 0.5 else Encoding("utf-8", "gb18030")
    if sum(map(len, others)) <= sum(map(len, certain)):
        return Encoding("utf-8", best)
    if sum(len(piece) for piece in others if _reads(piece, best)) * 2 >= sum(map(len, others)):
        return Encoding(best)
    if any(_mostly_utf8(piece) for piece in others):
        return Encoding("utf-8", "gb18030")  # UTF-8, badly damaged: its lines will say so
    raise CollectError(
        f"{path} is in none of the encodings known (UTF-8, GB18030/GBK, Big5, UTF-16). "
        "Open it in Excel or a text editor and save it as UTF-8."
    )


def _reads(piece: bytes, name: str) -> bool:
    try:
        piece.decode(name)
    except UnicodeDecodeError:
        return False
    return True


def _likeness(pieces: list[bytes], name: str) -> float:
    """The share of common characters among the Chinese ones, over what reads at all. 0..1."""
    readable = [piece for piece in pieces if _reads(piece, name)]
    text = b",".join(readable)[:65536].decode(name, "ignore")
    han = _HAN.findall(text)
    if not han:
        return 0.0
    return sum(1 for c in han if c in _COMMON) / len(han) * len(readable) / len(pieces)
