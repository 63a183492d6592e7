"""JSON as interfaces send it: characters that are broken, and bytes of another encoding."""

import json
from codecs import BOM_UTF8
from pathlib import Path

import pytest
from command import run
from test_live_hostile import BODY, answer, collected, project, server, stored
from wire import Reply, wire

from feedback.collectors.live.json_body import read_json_body
from feedback.errors import CollectError

CHARSETS = {
    "GBK that calls itself UTF-8": BODY.encode("gbk"),
    "UTF-16 with a mark": BODY.encode("utf-16"),
    "UTF-16 without one": BODY.encode("utf-16-le"),
    "UTF-8 with a mark": BODY.encode("utf-8-sig"),
    "Latin letters in UTF-16": json.dumps({"items": [{"id": "a", "text": "物流太慢了，等了五天"}]}).encode("utf-16-be"),
}


@pytest.mark.parametrize("what", CHARSETS)
def test_a_text_is_read_by_its_bytes_and_not_by_what_is_said_of_them(what: str, tmp_path: Path) -> None:
    with server(answer(CHARSETS[what])) as host:
        ran = collected(tmp_path, f"http://{host}/v1")
    assert (ran.code, ran.err) == (0, "")
    assert stored(tmp_path) == [("a", "物流太慢了，等了五天")]


@pytest.mark.parametrize("charset", ["big5", '"Big5"; q=1', "gb2312", "unheard-of", "rot13", "a\0b"])
def test_what_the_header_says_counts_where_the_bytes_leave_it_open(charset: str) -> None:
    named = "big5" if "big5" in charset.lower() else "gb18030"
    assert read_json_body('["物流很慢"]'.encode(named), "x", f"text/json; charset={charset}") == ["物流很慢"]


CUT = "客服态度差".encode()[:-1]  # as a database cuts that counts bytes


def page(*texts: bytes) -> bytes:
    return b'["' + b'","'.join(texts) + b'"]'


def read(body: bytes, content_type: str = "application/json; charset=utf-8") -> object:
    return read_json_body(body, "x", content_type)


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/json;charset=UTF-8", "text/json;charset=ISO-8859-1"]
)
@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ([CUT, "物流很快".encode()], ["客服态度\udce5\udcb7", "物流很快"]),
        (["物流慢啊".encode() + b"\xe5\xbf", "包装不错".encode()], ["物流慢啊\udce5\udcbf", "包装不错"]),
        (["很好".encode() + b"\xe5", b"\xbf" + "包装".encode()], ["很好\udce5", "\udcbf包装"]),
        ([b"good \xf0", b"great \xf0\x9f\x91, ok"], ["good \udcf0", "great \udcf0\udc9f\udc91, ok"]),
        (["一条客户的话还是好的".encode(), "坏了".encode("gbk")], ["一条客户的话还是好的", "\udcbb\udcb5\udcc1\udccb"]),
    ],
    ids=[
        "cut",
        "cut, no GB 18030",
        "cut by the last byte and by the first",
        "cut emoji alone",
        "one in GBK among others",
    ],
)
def test_a_character_that_is_cut_off_makes_no_other_text_unreadable(
    texts: list[bytes], found: list[str], content_type: str
) -> None:
    assert read(page(*texts), content_type) == found
    assert read(BOM_UTF8 + page(*texts), content_type) == found


@pytest.mark.parametrize("content_type", ["application/json", "text/json;charset=UTF-8"])
@pytest.mark.parametrize(
    "text", ["差劲", "光滑", "氙灯", "店长", "物流很慢", "裤长", "设备差劲", "等了五天，包装也破了"]
)
def test_text_in_gbk_is_no_broken_utf_8_however_short_it_is(text: str, content_type: str) -> None:
    assert read(page(text.encode("gbk")), content_type) == [text]


def test_what_no_encoding_reads_is_said_to_be_no_text() -> None:
    with pytest.raises(CollectError) as error:
        read(page("好".encode() + b"\xff\xff\xff"))
    assert str(error.value) == "x answers with something that is no JSON: not text."


def test_of_a_text_that_was_cut_by_the_byte_half_a_character_is_left_out_and_that_is_said(tmp_path: Path) -> None:
    items = [b'{"id":"%d","text":"%s"}' % (n, text) for n, text in enumerate((CUT, "物流很快".encode()), 1)]
    body = b'{"items":[' + b",".join(items) + b"]}"
    with wire(lambda _asked: Reply(body)) as web:
        ran = run("collect", project=project(tmp_path, f"{web.url}/v1"))
    assert (ran.code, ran.err) == (0, "")
    assert stored(tmp_path) == [("1", "客服态度"), ("2", "物流很快")]
    assert run("rejects", project=tmp_path).out.splitlines()[:2] == [
        "live  records:1 (stored): it holds half a character or a NUL, which is left out",
        "    客服态度",
    ]


def test_a_line_end_or_a_tab_may_stand_in_a_text_as_it_is() -> None:
    assert read(page("第一行\n第二行\t好".encode())) == ["第一行\n第二行\t好"]


@pytest.mark.parametrize("way", ["cursor", "next"])
@pytest.mark.parametrize("query", [{}, {"query": {"key": {"env": "REST_KEY"}}}], ids=["open", "with a key"])
def test_where_to_go_on_that_was_cut_by_the_byte_is_named_and_its_page_is_kept(
    way: str, query: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REST_KEY", "k3y-Very/Secret+77")
    body = '{"items":[{"id":"1","text":"物流很快"}],"next":"/v1?after='.encode() + CUT + b'"}'
    with wire(lambda _asked: Reply(body)) as web:
        folder = project(tmp_path, f"{web.url}/v1", pages={"type": way, "cursor": "next"}, **query)
        for new in ("live: 1 new\n", "live: 0 new, 1 already there\n"):
            ran = run("collect", project=folder)
            assert (ran.code, ran.out) == (1, new)
            assert ran.err == (
                f"Error: live: {web.url.removeprefix('http://')}/v1 says where its next page is with half a character ('next'): "
                "the interface has cut what it says there, so that nobody can ask for that page. What came before is kept.\n"
            )
    assert stored(tmp_path) == [("1", "物流很快")]
