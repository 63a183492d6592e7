"""Full-text search that finds Chinese words.

SQLite's own tokenizers take a run of Han characters as one word, so the index is cut beforehand: `words` holds a text's
words as jieba cuts them for search, `chars` its single Han characters and its runs of letters and digits. A query is cut the
same way. Words decide the rank; characters make sure that what is there is found, however jieba cut it.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from storage.errors import QueryError

_RUN = re.compile(r"[^\W\d_\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]{2,}|\d{2,}")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_SEARCHABLE = re.compile(r"[^\W_]|[\U0001f000-\U0001faff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff]")
_LONGEST_QUERY = 200


@dataclass(frozen=True, slots=True)
class Hit:
    """A verbatim that answers a query, best first; `snippet` is its whole text."""

    id: int
    text: str
    channel: str
    kind: str
    role: str
    posted_at: str | None
    product: str | None


def index_columns(text: str) -> tuple[str, str]:
    """What the index holds of a text: its words and its characters, separated by spaces.

    >>> index_columns("iPhone15续航不行")
    ('iphone15 续航 不行', 'iphone 15 续 航 不 行')
    """
    folded = _simplify(text)
    return " ".join(_jieba().cut_for_search(folded)), " ".join(_pieces(folded))


def _pieces(text: str) -> list[str]:
    """What `chars` holds: runs of letters or digits, and every other character that is no blank."""
    pieces: list[str] = []
    end = 0
    for run in _RUN.finditer(text):
        pieces += "".join(text[end : run.start()].split())
        pieces.append(run.group())
        end = run.end()
    pieces += "".join(text[end:].split())
    return pieces


def match_query(query: str) -> str:
    """The FTS5 expression for what a person typed; every part of the query must occur.

    Raises `QueryError` when there is nothing to look for in it.
    """
    if any("\ud800" <= c <= "\udfff" for c in query):  # how Python hands on what a GBK terminal typed
        raise QueryError("The query is not UTF-8. Set your terminal to UTF-8 and type it again.")
    query = _simplify(query).strip()
    if len(query) > _LONGEST_QUERY:
        raise QueryError(f"The query is too long: {len(query):,} characters, at most {_LONGEST_QUERY}.")
    words = [w for w in _joined(_jieba().cut(query)) if _SEARCHABLE.search(w)]
    if not words:
        raise QueryError(f"Nothing to search for in '{query}'. Type a word, for example: 物流")
    parts = []
    for word in words:
        pieces = [p for p in _pieces(word) if _SEARCHABLE.search(p)]
        parts.append(f"({{words}} : {_phrase(word)} OR {{chars}} : {_phrase(' '.join(pieces))})")
    return " AND ".join(parts)


def _joined(words: Iterable[str]) -> Iterator[str]:
    """Single characters typed in a row stay together: jieba cuts 不好 in two, and "好，不用谢" is no answer to it."""
    for single, group in groupby(words, key=lambda word: _HAN.fullmatch(word) is not None):
        pieces = list(group)
        yield from ["".join(pieces)] if single else pieces


def _phrase(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def search(connection: sqlite3.Connection, query: str, limit: int) -> list[Hit]:
    """Verbatims that hold every word of `query`, those first in which it stands as words of its own."""
    rows = connection.execute(
        """
        select v.id, v.text, v.channel, v.kind, v.role, v.posted_at, v.product
        from verbatims_fts f join verbatims v on v.id = f.rowid
        where verbatims_fts match ?
        order by bm25(verbatims_fts, 10.0, 1.0), v.id
        limit ?
        """,
        (match_query(query), limit),
    )
    return [Hit(*row) for row in rows]


def index_rows(connection: sqlite3.Connection, rows: Sequence[tuple[int, str]]) -> None:
    """Add verbatims (id, text) to the index."""
    connection.executemany(
        "insert into verbatims_fts (rowid, words, chars) values (?, ?, ?)",
        [(row_id, *index_columns(text)) for row_id, text in rows],
    )


def unindex_rows(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    connection.executemany("delete from verbatims_fts where rowid = ?", [(row_id,) for row_id in ids])


@cache
def _jieba() -> Any:
    import rjieba

    return rjieba.Jieba()


def _simplify(text: str) -> str:
    """Traditional to simplified and full-width to half-width, in lower case, so that 續航 and 续航 find each other."""
    for mark, plain in _COMMON_MARKS:
        text = text.replace(mark, plain)
    table, variant = _variants()
    return variant.sub(lambda match: match.group().translate(table), text).lower()


# Every Chinese text has these; replacing them one by one is faster than looking for them with the rest.
_COMMON_MARKS = (("，", ","), ("：", ":"), ("（", "("), ("）", ")"), ("！", "!"), ("？", "?"))


@cache
def _variants() -> tuple[dict[int, int], re.Pattern[str]]:
    import opencc

    characters = [chr(code) for low, high in ((0x3400, 0x4DC0), (0x4E00, 0xA000)) for code in range(low, high)]
    converted = opencc.OpenCC("t2s").convert("\n".join(characters)).split("\n")
    table = {ord(a): ord(b) for a, b in zip(characters, converted, strict=True) if a != b and len(b) == 1}
    table.update({code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)})
    return table, re.compile(f"[{''.join(re.escape(chr(code)) for code in table)}]+")
