"""Which verbatims are copies of which, and which texts were handed out to copy.

Copies share a fingerprint of the whole text, or a band of it and enough of its words. A copy points to its original, never to another copy.
"""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence

from storage.records import Fingerprint, Incoming, Similar

# So many copies of one longer text are no coincidence: they were handed out.
TEMPLATE_COPIES = 5
TEMPLATE_CHARACTERS = 15


def copies_among(
    connection: sqlite3.Connection, new: Sequence[tuple[int, Incoming]], similar: Similar
) -> dict[int, int]:
    """For each new verbatim that is a copy: the id of its original."""
    originals = _known_exact(connection, {i.fingerprint.exact for _, i in new if i.fingerprint.exact is not None})
    unseen = [i.fingerprint for _, i in new if i.fingerprint.exact not in originals]
    bands = _known_bands(connection, {band for fingerprint in unseen for band in fingerprint.bands})
    texts: dict[int, str] = {}
    copies: dict[int, int] = {}
    for row_id, item in new:
        fingerprint, text = item.fingerprint, item.verbatim.text
        if fingerprint.exact is None:
            continue
        original = originals.get(fingerprint.exact)
        if original is None and (candidates := {bands[band] for band in fingerprint.bands if band in bands}):
            original = _near(connection, sorted(candidates), text, texts, similar)
        if original is not None:
            copies[row_id] = original
        else:
            texts[row_id] = text
            for band in fingerprint.bands:
                bands.setdefault(band, row_id)
        originals.setdefault(fingerprint.exact, row_id if original is None else original)
    return copies


def write_bands(connection: sqlite3.Connection, originals: Sequence[tuple[int, Fingerprint]]) -> None:
    """By which originals are found again; copies are not, as a copy of a copy resembles the original."""
    connection.executemany(
        "insert or ignore into copy_bands (band, verbatim_id) values (?, ?)",
        sorted((band, row_id) for row_id, fingerprint in originals for band in fingerprint.bands),
    )


def drop_bands(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Those of verbatims that go, in one pass through the table, as bands are found by their value alone.

    For that reason they have no foreign key, which would look through the table for each verbatim.
    """
    connection.execute(
        "delete from copy_bands where verbatim_id in (select value from json_each(?))", (json.dumps(list(ids)),)
    )


def hand_over(connection: sqlite3.Connection, originals: Sequence[int], similar: Similar) -> None:
    """The first copy of a text that is no longer there becomes the original of those that resemble it, and so on."""
    heirs = {row_id: found for row_id in originals if (found := _heirs(connection, row_id, similar))}
    _inherit_bands(connection, heirs)


def count_copies(connection: sqlite3.Connection, run_id: int, after_id: int) -> int:
    """How many of the verbatims stored by a run under higher ids than this are copies."""
    row = connection.execute(
        "select count(*) from verbatims where id > ? and run_id = ? and duplicate_of is not null", (after_id, run_id)
    ).fetchone()
    return int(row[0])


def flag_templates(connection: sqlite3.Connection, originals: Collection[int]) -> None:
    """A longer text that recurs often enough is a template, the first of its kind too."""
    for original in sorted(originals):
        n, characters = connection.execute(
            "select (select count(*) + 1 from verbatims where duplicate_of = ?1), length(text) "
            "from verbatims where id = ?1",
            (original,),
        ).fetchone()
        if n >= TEMPLATE_COPIES and characters >= TEMPLATE_CHARACTERS:
            connection.execute(
                "update verbatims set noise = 'copied_template' where (duplicate_of = ?1 or id = ?1) and noise is null",
                (original,),
            )


def unflag_templates(connection: sqlite3.Connection) -> None:
    """What recurred often enough only together with verbatims that are gone is no template."""
    connection.execute(
        "update verbatims set noise = null where noise = 'copied_template' and "
        "1 + (select count(*) from verbatims c where c.duplicate_of = coalesce(verbatims.duplicate_of, verbatims.id)) < ?",
        (TEMPLATE_COPIES,),
    )


def _heirs(connection: sqlite3.Connection, original: int, similar: Similar) -> list[int]:
    """The new originals among the copies of a text that is no longer there."""
    orphans = connection.execute(
        "select id, fingerprint, text from verbatims where duplicate_of = ? order by id", (original,)
    ).fetchall()
    heirs: list[tuple[int, int, str]] = []
    for row_id, exact, text in orphans:
        of = next((heir for heir, e, t in heirs if e == exact or similar(t, text)), None)
        connection.execute("update verbatims set duplicate_of = ? where id = ?", (of, row_id))
        if of is None:
            heirs.append((row_id, exact, text))
    return [row_id for row_id, _, _ in heirs]


def _inherit_bands(connection: sqlite3.Connection, heirs: Mapping[int, Sequence[int]]) -> None:
    """To new originals the bands of the former one, near enough their own: their texts do not tell them to `storage`."""
    if not heirs:
        return
    bands = connection.execute(
        "select verbatim_id, band from copy_bands where verbatim_id in (select value from json_each(?))",
        (json.dumps(list(heirs)),),
    )
    connection.executemany(
        "insert or ignore into copy_bands (band, verbatim_id) values (?, ?)",
        sorted((band, heir) for original, band in bands for heir in heirs[original]),
    )


def _near(
    connection: sqlite3.Connection, candidates: Sequence[int], text: str, texts: dict[int, str], similar: Similar
) -> int | None:
    for candidate in candidates:
        if candidate not in texts:
            row = connection.execute("select text from verbatims where id = ?", (candidate,)).fetchone()
            texts[candidate] = str(row[0])
        if similar(texts[candidate], text):
            return candidate
    return None


def _known_exact(connection: sqlite3.Connection, values: Collection[int]) -> dict[int, int]:
    rows = connection.execute(
        "select fingerprint, min(coalesce(duplicate_of, id)) from verbatims "
        "where fingerprint in (select value from json_each(?)) group by fingerprint",
        (json.dumps(sorted(values)),),
    )
    return {int(value): int(row_id) for value, row_id in rows}


def _known_bands(connection: sqlite3.Connection, values: Collection[int]) -> dict[int, int]:
    rows = connection.execute(
        "select band, min(verbatim_id) from copy_bands where band in (select value from json_each(?)) group by band",
        (json.dumps(sorted(values)),),
    )
    return {int(band): int(row_id) for band, row_id in rows}
