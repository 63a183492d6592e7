"""Collector rss: its settings, its secrets, and feeds that were saved."""

from pathlib import Path

import pytest
from command import run
from feed_site import ITEM, rss, visit
from stored import rows
from wire import Asked, Reply, wire

from feedback.collectors.base import Record
from feedback.collectors.rss import RssCollector
from feedback.errors import CollectError
from feedback.project import load_project
from storage.store import Store

# Saved feeds


def saved(folder: Path, feed: str | bytes, *urls: str) -> list[object]:
    path = folder / "feed.saved"
    path.write_bytes(feed.encode() if isinstance(feed, str) else feed)
    return list(RssCollector().saved(path, visit(folder, *(urls or ("https://forum.example/feed",)))))


def test_a_saved_feed_gives_the_same_ids_as_asking(tmp_path: Path) -> None:
    own = '<item><guid isPermaLink="false">7</guid><description>慢</description></item>'
    (stream,) = RssCollector().streams(visit(tmp_path, "https://forum.example/feed"))
    first, second = saved(tmp_path, rss(ITEM, own))
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert (first.source_id, first.location) == (
        "https://forum.example/post/1",
        "feed.saved:https://forum.example/post/1",
    )
    assert second.source_id == f"{stream}/7"


def test_of_several_feeds_it_must_be_clear_which_one_was_saved(tmp_path: Path) -> None:
    two = ("https://forum.example/a", "https://forum.example/b")
    assert len(saved(tmp_path, rss(ITEM), *two)) == 1
    with pytest.raises(CollectError) as error:
        saved(tmp_path, rss('<item><guid isPermaLink="false">7</guid><description>慢</description></item>'), *two)
    assert str(error.value) == (
        "feed.saved: its entries have ids that only their own feed knows, and the source has several 'urls'. "
        "Load it for a source that names this feed alone."
    )


def test_files_that_are_no_feed_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CollectError, match="a PNG picture"):
        saved(tmp_path, b"\x89PNG\r\n\x1a\n")
    monkeypatch.setattr("feedback.collectors.rss.MOST_BYTES", 1000)
    with pytest.raises(CollectError, match=r"feed\.saved has more than 0 MB, which no feed has\."):
        saved(tmp_path, rss(ITEM * 10))


# Settings


@pytest.mark.parametrize(
    "urls, says",
    [
        ([], "'urls' is missing: the addresses of the feeds"),
        (["https://f.example/a", "https://f.example/a"], "'urls' names f.example/a#5ee80402 twice"),
        (
            ["https://me:pw@f.example"],
            "'urls' has a user in it: a secret does not belong in this file. "
            'Name the whole address by where it is: { env = "A_VARIABLE" }',
        ),
        ([""], "'urls' must be a list of texts, not ['']"),
        *(
            (
                [url],
                "'urls' holds something that is no address of a feed. It begins with https:// or http://, and has no user in it",
            )
            for url in (
                "f.example/a",
                "ftp://f.example",
                "https://",
                "https://[",
                "https://f.example/\n",
            )
        ),
    ],
)
def test_settings_that_are_wrong_are_named(tmp_path: Path, urls: list[str], says: str) -> None:
    with pytest.raises(CollectError) as error:
        RssCollector().streams(visit(tmp_path, *urls))
    assert str(error.value) == f"source 'live': {says}."
    assert "pw" not in str(error.value)


def test_a_setting_that_it_does_not_know_is_named(tmp_path: Path) -> None:
    with pytest.raises(CollectError, match=r"unknown 'url'\. Known: urls"):
        RssCollector().streams(visit(tmp_path, "https://f.example", url="x"))


def test_streams_are_named_by_host_and_path(tmp_path: Path) -> None:
    urls = (
        "https://f.example:8443/a?k=s3cret",
        "https://f.example:8443/a?k=other",
        f"http://f.example/{'x' * 200}",
    )
    first, second, third = RssCollector().streams(visit(tmp_path, *urls))
    assert first.startswith("f.example:8443/a#")
    assert first != second
    assert third.startswith(f"f.example/{'x' * 79}…#")
    assert "s3cret" not in first


def test_a_feed_whose_address_is_a_secret_is_named_by_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds = {"/private/s3cr3t-0042/feed": rss(ITEM)}

    def answer(asked: Asked) -> Reply:
        return Reply(feeds.get(asked.path, "").encode(), 200 if asked.path in feeds else 404)

    with wire(answer) as web:
        monkeypatch.setenv("FORUM_FEED", f"{web.url}/private/s3cr3t-0042/feed?key=k-0042")
        (tmp_path / "feedback.toml").write_text(
            '[[sources]]\nname = "论坛"\ncollector = "rss"\nurls = [{ env = "FORUM_FEED" }]\n', encoding="utf-8"
        )
        assert run("collect", project=tmp_path).out.startswith("论坛: 1 new")
        assert web.asked[-1].query == {"key": "k-0042"}
        feeds.clear()
        ran = run("collect", project=tmp_path)
        assert (ran.code, "404" in ran.err) == (1, True)
        assert "settings in order: env:FORUM_FEED" in run("doctor", project=tmp_path).out
        monkeypatch.delenv("FORUM_FEED")
        assert "the environment variable FORUM_FEED is not set" in run("doctor", project=tmp_path).out
    assert "0042" not in ran.out + ran.err
    for path in tmp_path.glob("feedback.db*"):
        assert b"0042" not in path.read_bytes()


def test_a_secret_in_the_address_of_a_feed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "feedback.toml").write_text(
        '[[sources]]\nname = "论坛"\ncollector = "rss"\nurls = ["https://forum.example/feed?key=k-0042"]\n',
        encoding="utf-8",
    )
    ran = run("collect", project=tmp_path)
    assert ran.err == (
        "Error: 论坛: source '论坛': 'urls' has 'key' in it: a secret does not belong in this file. "
        'Name the whole address by where it is: { env = "A_VARIABLE" }.\n'
    )


def test_what_the_address_of_a_feed_tells_is_not_stored_where_its_entries_tell_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = "<item><link>https://f.example/t/1?key=abcdef123456</link><description>看 /s3cr3tfeedkey0001/ 和 abcdef123456</description></item>"
    with wire(lambda _asked: Reply(rss(item).encode())) as web:
        monkeypatch.setenv("FORUM_FEED", f"{web.url}/rss/s3cr3tfeedkey0001/?key=abcdef123456&page=1")
        (tmp_path / "feedback.toml").write_text(
            '[[sources]]\nname = "论坛"\ncollector = "rss"\nurls = [{ env = "FORUM_FEED" }]\n', encoding="utf-8"
        )
        assert run("collect", project=tmp_path).out.startswith("论坛: 1 new")
    with Store.open(load_project(tmp_path).database) as store:
        stored = rows(store.connection, "select source_id, text from verbatims")
    assert stored == [("https://f.example/t/1?key=…", "看 /…/ 和 …")]
    assert all(b"abcdef123456" not in path.read_bytes() for path in tmp_path.glob("feedback.db*"))


def test_words_in_the_secret_address_of_a_feed_stay_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "小米14Ultra手机 发热，iPhone15Pro 不如它"
    item = f"<item><link>https://f.example/t/1?token=abcdefgh12345678</link><pubDate>不久前</pubDate><description>{said}</description></item>"
    with wire(lambda _asked: Reply(rss(item).encode())) as web:
        monkeypatch.setenv("FORUM_FEED", f"{web.url}/tag/iPhone15Pro/f.xml?q=小米14Ultra手机&token=abcdefgh12345678")
        (tmp_path / "feedback.toml").write_text(
            '[[sources]]\nname = "论坛"\ncollector = "rss"\nurls = [{ env = "FORUM_FEED" }]\n', encoding="utf-8"
        )
        run("collect", project=tmp_path)
        told = run("rejects", project=tmp_path).out
    with Store.open(load_project(tmp_path).database) as store:
        assert rows(store.connection, "select text from verbatims") == [(said,)]
    assert "date unknown" in told
    assert "abcdefgh" not in told
    assert all(b"abcdefgh12345678" not in path.read_bytes() for path in tmp_path.glob("feedback.db*"))


@pytest.mark.parametrize(
    "path", ["/u/vqkxqzjtlnrwbcdf/feed", "/rss/4839201746382910/feed", "/private/s3cr3t-0042/feed"]
)
def test_the_path_of_a_secret_address_is_not_stored_where_entries_are_told_by_another_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    item = (
        f"<item><guid>https://f.example{path}#2</guid><title>f.example{path}</title>"
        f"<description>正文很慢 http://f.example{path}</description></item>"
        f'<item><guid isPermaLink="false">{path}/3</guid><description>客服不回</description></item>'
    )
    stored = collected(tmp_path, monkeypatch, path, item)
    assert stored == [
        ("https://f.example…#2", "正文很慢 http://f.example…"),
        ("env:FORUM_FEED/…/3", "客服不回"),
    ]
    secret = path.split("/")[2].encode()
    assert all(secret not in path.read_bytes() for path in tmp_path.glob("feedback.db*"))


def test_a_path_that_is_words_stays_in_what_somebody_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    item = "<item><guid>https://forum.example/products/17?key=abcdef123456</guid><description>/products 打不开，也看了 /products/9</description></item>"
    assert collected(tmp_path, monkeypatch, "/products?key=abcdef123456", item) == [
        ("https://forum.example…/17?key=…", "/products 打不开，也看了 /products/9")
    ]


def collected(folder: Path, monkeypatch: pytest.MonkeyPatch, address: str, items: str) -> list[tuple[str, ...]]:
    """What is stored of a feed with these items whose address is a secret; a second run finds nothing new."""
    with wire(lambda _asked: Reply(rss(items).encode())) as web:
        monkeypatch.setenv("FORUM_FEED", f"{web.url}{address}")
        (folder / "feedback.toml").write_text(
            '[[sources]]\nname = "论坛"\ncollector = "rss"\nurls = [{ env = "FORUM_FEED" }]\n', encoding="utf-8"
        )
        run("collect", project=folder)
        assert run("collect", project=folder).out.startswith("论坛: 0 new")
    with Store.open(load_project(folder).database) as store:
        return rows(store.connection, "select source_id, text from verbatims")
