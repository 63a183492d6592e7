"""Full-text search that finds Chinese words.

SQLite's own tokenizers take a run of Han characters as one word, so the index is cut beforehand: `words` holds a text's
words as jieba cuts them for search, `chars` its single Han characters and its runs of letters and digits. A query is cut the
same way. Words decide the rank; characters make sure that what is there is found, however jieba cut it.

Texts and queries come folded, all in the same way (`nlp.normalize.fold`), so that 續航 and 续航 find each other.
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


def index_columns(folded: str) -> tuple[str, str]:
    """What the index holds of a folded text: its words and its characters, separated by spaces.

    >>> index_columns("iphone15续航不行")
    ('iphone15 续航 不行', 'iphone 15 续 航 不 行')
    """
    return " ".join(_jieba().cut_for_search(folded)), _characters(folded)


def _characters(folded: str) -> str:
    """What `chars` holds: runs of letters or digits, and every other character; blanks between them are as good as one."""
    pieces: list[str] = []
    end = 0
    for run in _RUN.finditer(folded):
        if run.start() > end:
            pieces.append(" ".join(folded[end : run.start()]))
        pieces.append(run.group())
        end = run.end()
    if len(folded) > end:
        pieces.append(" ".join(folded[end:]))
    return " ".join(pieces)


def match_query(query: str) -> str:
    """The FTS5 expression for what a person typed, folded; every part of the query must occur.

    Raises `QueryError` when there is nothing to look for in it.
    """
    if any("\ud800" <= c <= "\udfff" for c in query):  # how Python hands on what a GBK terminal typed
        raise QueryError("The query is not UTF-8. Set your terminal to UTF-8 and type it again.")
    query = query.strip()
    if len(query) > _LONGEST_QUERY:
        raise QueryError(f"The query is too long: {len(query):,} characters, at most {_LONGEST_QUERY}.")
    words = [w for w in _joined(_jieba().cut(query)) if _SEARCHABLE.search(w)]
    if not words:
        raise QueryError(f"Nothing to search for in '{query}'. Type a word, for example: 物流")
    parts = []
    for word in words:
        pieces = [p for p in _characters(word).split() if _SEARCHABLE.search(p)]
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
    """Verbatims that hold every word of `query` (folded), those first in which it stands as words of its own."""
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


def index_rows(connection: sqlite3.Connection, rows: Sequence[tuple[int, str, str]]) -> None:
    """Add verbatims to the index: their ids and `index_columns`."""
    connection.executemany("insert into verbatims_fts (rowid, words, chars) values (?, ?, ?)", rows)


def unindex_rows(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    connection.executemany("delete from verbatims_fts where rowid = ?", [(row_id,) for row_id in ids])


@cache
def _jieba() -> Any:
    import rjieba

    return rjieba.Jieba()
