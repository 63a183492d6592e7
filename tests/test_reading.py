"""The parts of a source, read and taken in, here or in another process."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

import feedback.reading
from feedback.collectors.base import Part, SourceConfig
from feedback.reading import Batch, Damaged, Reading, read, read_ahead

NOW = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
HEADER = "id,content,creationTime,score,referenceName,nickname,userProvince\n"


def reading(folder: Path, *names: str) -> Reading:
    source = SourceConfig("shop", "table", names, folder)
    parts = tuple(Part(name, folder / name) for name in names)
    return Reading(source, parts, "Asia/Shanghai", bytes(range(32)), NOW)


def told(batches: Iterable[Batch | Damaged]) -> list[Batch | tuple[int, str]]:
    """The batches; an error equals nothing but itself, so its message stands for it."""
    return [(each.part, str(each.error)) if isinstance(each, Damaged) else each for each in batches]


@pytest.fixture
def files(tmp_path: Path) -> Reading:
    rows = [
        f"{n},磨豆机用了{n}天就漏粉了，电话13800138000,2026-02-{n % 30:02},{n % 7},壶,木子{n},浙江\n" for n in range(40)
    ]
    nameless = "content,creationtime,location,productcolor\n" + "还行,2026-02-03 12:00,浙江,白\n" * 3
    (tmp_path / "a.csv").write_text(HEADER + "".join(rows), encoding="utf-8")
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "b.csv").write_text("product," + nameless.replace("\n还", "\n壶,还"), encoding="gb18030")
    return reading(tmp_path, "a.csv", "empty.csv", "b.csv")


def test_what_comes_of_a_source_does_not_depend_on_where_it_is_read(
    files: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = told(read(files))
    assert here[1] == (1, f"{files.parts[1].path} is empty.")
    assert [len(each.taken.incoming) for each in here if isinstance(each, Batch)] == [40, 3]
    assert any(each.taken.rejects for each in here if isinstance(each, Batch))
    monkeypatch.setattr(feedback.reading, "_WORTH_A_PROCESS", 0)
    assert told(read_ahead(files)) == here


def test_small_sources_are_read_here(files: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback.reading, "ahead", None)
    assert len(list(read_ahead(files))) == 3


def test_rows_without_an_id_are_numbered_across_batches(files: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [
        item.verbatim.source_id for batch in read(files) if isinstance(batch, Batch) for item in batch.taken.incoming
    ]
    monkeypatch.setattr(feedback.reading, "BATCH", 2)
    batches = [batch for batch in read(files) if isinstance(batch, Batch)]
    assert [item.verbatim.source_id for batch in batches for item in batch.taken.incoming] == whole
    assert [source_id[-2:] for source_id in whole[-3:]] == ["-0", "-1", "-2"]
    ends = [(batch.part, batch.items, batch.first, batch.last) for batch in batches if batch.part == 2]
    assert ends == [(2, 2, True, False), (2, 1, False, True)]


def test_batches_grow_so_that_storing_begins_early(files: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback.reading, "FIRST_BATCH", 4)
    monkeypatch.setattr(feedback.reading, "BATCH", 16)
    sizes = [batch.items for batch in read(files) if isinstance(batch, Batch) and batch.part == 0]
    assert sizes == [4, 8, 16, 12]
