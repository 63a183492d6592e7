"""App Store Connect: reviews with what was answered, tokens, pages that are gone on with."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from wire import Asked, Reply, Wire, wire
from worlds import NOW, SECRET_VARIABLE, Said, said
from worlds.app_store_connect import APP, ISSUER_ID, KEY_ID, World

from feedback.collectors.app_store_connect import AppStoreConnectCollector
from feedback.collectors.base import RawScore, Record, SourceConfig, Unreadable
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.reached import Reached
from feedback.collectors.live.vault import Vault
from feedback.errors import CollectError

TWO = Said(2, "包装很结实", NOW - timedelta(days=1), NOW - timedelta(days=1))
TWO_ID = "00000028-b08c-0014-729e-000000000002"
TWO_RECORD = Record(
    text="包装很结实",
    kind="review",
    channel="App Store",
    location=f"reviews:{TWO_ID}",
    source_id=TWO_ID,
    posted_at="2026-03-01T04:00:00-00:00",
    customer="用户2",
    region="CHN",
    question="标题2",
    scores=(RawScore("star", "3", 1, 5),),
)
TWO_REPLY = Record(
    text="感谢反馈，已经在处理",
    kind="review",
    channel="App Store",
    location=f"reviews:{TWO_ID}/reply",
    source_id=f"{TWO_ID}/reply",
    role="agent",
    posted_at="2026-03-01T04:00:00-00:00",
    parent_id=TWO_ID,
    region="CHN",
)
DONE = '["2026-03-01T03:59:00Z", null, null]'


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    found = World()
    monkeypatch.setenv(SECRET_VARIABLE, found.secret)
    return found


@pytest.fixture
def web(world: World) -> Iterator[Wire]:
    with wire(world.answer) as web:
        world.section(web.url)
        yield web


def visit(url: str = "https://localhost", **options: object) -> Visit:
    known = {"url": url, "app": APP, "key_id": KEY_ID, "issuer_id": ISSUER_ID, "key": {"env": SECRET_VARIABLE}}
    config = SourceConfig("live", "app-store-connect", options={**known, **options})
    return Visit(config, Vault(Path("/nowhere")), NOW)


def pages(web: Wire, state: str | None = None) -> list[Page]:
    web.asked.clear()
    return list(AppStoreConnectCollector().pages("reviews", state, visit(web.url)))


def numbers(page: Page) -> list[int]:
    """Of the customers' reviews on a page."""
    found = [item for item in page.items if isinstance(item, Record) and item.role == "customer"]
    return [int((item.source_id or "")[-12:], 16) for item in found]


def test_a_review_and_the_answer_to_it_become_records(world: World, web: Wire) -> None:
    world.said = [TWO]
    assert pages(web) == [Page([TWO_RECORD, TWO_REPLY], '["2026-03-01T04:00:00Z", null, null]')]
    assert [each.query for each in web.asked] == [{"sort": "-createdDate", "limit": "200", "include": "response"}]


def test_what_the_section_says_of_the_source_goes_with_both(world: World, web: Wire) -> None:
    world.said = [TWO]
    asked_by = visit(web.url)
    asked_by = replace(asked_by, config=replace(asked_by.config, kind="post", channel="苹果", product="灯", store="店"))
    said_of_it = {"kind": "post", "channel": "苹果", "product": "灯", "store": "店"}
    first = next(AppStoreConnectCollector().pages("reviews", None, asked_by))
    assert first.items == [replace(each, **said_of_it) for each in (TWO_RECORD, TWO_REPLY)]  # type: ignore[arg-type]


def test_an_answer_may_be_the_one_that_names_the_review(tmp_path: Path, world: World) -> None:
    page = world.listing([TWO], None)
    page["data"][0]["relationships"] = {"response": {"links": {}}}  # type: ignore[index]
    page["included"][0]["relationships"] = {"review": {"data": {"type": "customerReviews", "id": TWO_ID}}}  # type: ignore[index]
    (tmp_path / "a.json").write_text(json.dumps(page), encoding="utf-8")
    assert list(AppStoreConnectCollector().saved(tmp_path / "a.json", visit())) == [
        replace(TWO_RECORD, location=f"a.json:{TWO_ID}"),
        replace(TWO_REPLY, location=f"a.json:{TWO_ID}/reply"),
    ]


def test_all_ratings_are_kept(world: World, web: Wire) -> None:
    world.said = said(5)
    stars = [item.scores[0].value for item in pages(web)[0].items if isinstance(item, Record) and item.scores]
    assert sorted(stars) == ["1", "2", "3", "4", "5"]


def test_pages_are_followed_and_leave_where_to_go_on(web: Wire) -> None:
    found = pages(web)
    assert [numbers(page) for page in found] == [[*range(20, 13, -1)], [*range(13, 6, -1)], [*range(6, 0, -1)]]
    after = f"{web.url}/v1/apps/{APP}/customerReviews?cursor=00000028-b08c-0014-729e-{{}}&limit=200&sort=-createdDate&include=response"
    assert [page.state for page in found] == [
        json.dumps([None, "2026-03-01T03:59:00Z", after.format("00000000000e")]),
        json.dumps([None, "2026-03-01T03:59:00Z", after.format("000000000007")]),
        DONE,
    ]


def test_a_run_that_was_cut_off_goes_on_and_then_looks_for_news(world: World, web: Wire) -> None:
    state = pages(web)[0].state
    world.said.append(replace(TWO, number=21, posted_at=NOW))
    found = pages(web, state)
    assert [numbers(page) for page in found] == [
        [*range(13, 6, -1)],
        [*range(6, 0, -1)],
        [*range(21, 14, -1)],
        [*range(14, 7, -1)],
        [*range(7, 0, -1)],
    ]
    assert (found[1].state, found[4].state) == (DONE, '["2026-03-02T04:00:00Z", null, null]')


def test_a_later_run_looks_thirty_days_further_back_than_what_is_known(world: World, web: Wire) -> None:
    at = {one.number: NOW - timedelta(days=1 + 10 * (20 - one.number)) for one in world.said}
    world.said = [replace(one, posted_at=at[one.number]) for one in world.said]
    state = pages(web)[-1].state
    world.replies = {17: "谢谢", 1: "谢谢"}
    found = pages(web, state)
    assert [numbers(page) for page in found] == [[*range(20, 13, -1)], [*range(13, 6, -1)]]
    replies = [
        item.source_id for page in found for item in page.items if isinstance(item, Record) and item.role == "agent"
    ]
    assert replies == ["00000028-b08c-0014-729e-000000000011/reply"]
    assert found[-1].state == state


def test_a_cursor_that_has_run_out_is_told_and_nothing_is_lost(web: Wire) -> None:
    state = json.dumps(
        [
            None,
            "2026-03-01T03:59:00Z",
            f"{web.url}/v1/apps/{APP}/customerReviews?cursor=gone&limit=200&sort=-createdDate&include=response",
        ]
    )
    found = pages(web, state)
    note = "the place where the last run was cut off is no longer known: asked again from the newest, nothing is lost"
    assert found[0] == Page([], None, (note,))
    assert sum(len(numbers(page)) for page in found) == 20
    assert found[-1].state == DONE


def test_other_refusals_of_a_cursor_are_errors(web: Wire) -> None:
    state = json.dumps([None, None, f"{web.url}/v1/apps/{APP}/customerReviews?cursor=a"])
    web.answer = lambda _asked: Reply({"errors": []}, 403)
    with pytest.raises(CollectError, match=r"refuses \(403\)"):
        pages(web, state)
    assert len(web.asked) == 1


def test_an_agreement_that_has_run_out_is_told_as_that(web: Wire) -> None:
    code = "FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED"
    web.answer = lambda _asked: Reply({"errors": [{"status": "403", "code": code}]}, 403)
    with pytest.raises(CollectError) as caught:
        pages(web)
    assert str(caught.value) == (
        "127.0.0.1 refuses (403). An agreement is missing or has run out: whoever holds the account has to accept it in "
        "App Store Connect, under Business (Agreements)."
    )


def test_a_token_is_signed_as_apple_wants_it_and_renewed_before_it_runs_out(world: World, web: Wire) -> None:
    times = iter([1000.5, 1000.5 + 299, 1000.5 + 301])
    web.answer = lambda _asked: Reply(
        world.listing(world.said[:2], str(len(web.asked)) if len(web.asked) < 3 else None)
    )
    asked_by = visit(web.url)
    list(AppStoreConnectCollector(lambda: next(times)).pages("reviews", None, asked_by))
    tokens = [each.headers["Authorization"].removeprefix("Bearer ") for each in web.asked]
    assert tokens[0] == tokens[1] != tokens[2]
    assert jwt.get_unverified_header(tokens[0]) == {"alg": "ES256", "kid": KEY_ID, "typ": "JWT"}
    checks = {"verify_exp": False, "verify_iat": False}
    says = [
        jwt.decode(each, world.key.public_key(), algorithms=["ES256"], audience="appstoreconnect-v1", options=checks)  # type: ignore[arg-type]
        for each in tokens
    ]
    assert says[0] == {"iss": ISSUER_ID, "iat": 1000, "exp": 1900, "aud": "appstoreconnect-v1"}
    assert says[2] == {"iss": ISSUER_ID, "iat": 1301, "exp": 2201, "aud": "appstoreconnect-v1"}
    for secret in (*tokens, world.secret.strip()):
        assert asked_by.vault.hide(f"<{secret}>") == "<…>"


def _keys() -> dict[str, str]:
    curve = ec.generate_private_key(ec.SECP256R1())
    pem, pkcs8 = Encoding.PEM, PrivateFormat.PKCS8
    return {
        "no key": "hello",
        "a damaged key": "-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----",
        "another kind of key": rsa.generate_private_key(65537, 2048).private_bytes(pem, pkcs8, NoEncryption()).decode(),
        "another curve": ec.generate_private_key(ec.SECP384R1()).private_bytes(pem, pkcs8, NoEncryption()).decode(),
        "a key with a password": curve.private_bytes(pem, pkcs8, BestAvailableEncryption(b"x")).decode(),
        "lines joined": curve.private_bytes(pem, pkcs8, NoEncryption()).decode().replace("\n", "\\n"),
        "a public key": curve.public_key().public_bytes(pem, PublicFormat.SubjectPublicKeyInfo).decode(),
    }


@pytest.mark.parametrize(
    "what",
    [
        "no key",
        "a damaged key",
        "another kind of key",
        "another curve",
        "a key with a password",
        "a public key",
        "lines joined",
    ],
)
def test_a_key_that_is_none_of_theirs_is_refused_and_nobody_is_asked(web: Wire, tmp_path: Path, what: str) -> None:
    (tmp_path / "key.p8").write_text(_keys()[what], encoding="utf-8")
    asked_by = visit(web.url, key={"file": str(tmp_path / "key.p8")})
    with pytest.raises(CollectError) as caught:
        list(AppStoreConnectCollector().pages("reviews", None, asked_by))
    assert asked_by.vault.hide(str(caught.value)) == (  # of which no word is taken for a part of the key
        "source 'live': 'key' is no private key of App Store Connect. "
        "It is all that the .p8 file holds, with its first and its last line and its line breaks."
    )
    assert web.asked == []


def test_a_key_is_read_from_its_file(world: World, web: Wire, tmp_path: Path) -> None:
    (tmp_path / "AuthKey.p8").write_text(world.secret, encoding="utf-8")
    asked_by = visit(web.url, key={"file": str(tmp_path / "AuthKey.p8")})
    assert len(list(AppStoreConnectCollector().pages("reviews", None, asked_by))) == 3


INSTALL = (
    "Collector 'app-store-connect' needs PyJWT, which is not installed: pip install 'yuansheng[app-store-connect]'."
)


def test_without_pyjwt_it_says_what_to_install(web: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(CollectError) as caught:
        pages(web)
    assert str(caught.value) == INSTALL


@pytest.mark.usefixtures("world")
def test_without_cryptography_it_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from datetime import datetime, UTC; from pathlib import Path\n"
        "from feedback.collectors.app_store_connect import AppStoreConnectCollector\n"
        "from feedback.collectors.base import SourceConfig\n"
        "from feedback.collectors.live import Visit\n"
        "from feedback.collectors.live.vault import Vault\n"
        f"options = {dict(visit().config.options)!r}\n"
        "visit = Visit(SourceConfig('live', 'x', options=options), Vault(Path('/nowhere')), datetime.now(UTC))\n"
        "try:\n"
        "    list(AppStoreConnectCollector().pages('reviews', None, visit))\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == f"CollectError {INSTALL}\n"


def test_reviews_that_cannot_be_used_and_answers_to_none_are_listed(world: World, web: Wire) -> None:
    page = world.listing([TWO], None)
    page["data"] += [{"id": "", "attributes": {"body": "坏了"}}, {"id": "x"}, 7]  # type: ignore[operator]
    page["included"] += [  # type: ignore[operator]
        {"type": "customerReviewResponses", "id": "r9", "attributes": {"responseBody": "您好"}},
        {"type": "customerReviewResponses", "id": []},
        {"type": "apps", "id": "1"},
    ]
    web.answer = lambda _asked: Reply(page)
    assert pages(web)[0].items == [
        TWO_RECORD,
        TWO_REPLY,
        Unreadable("reviews:#2", "it has no id or no attributes", "坏了"),
        Unreadable("reviews:#3", "it has no id or no attributes"),
        Unreadable("reviews:#4", "it has no id or no attributes"),
        Unreadable("reviews:r9", "it answers none of the reviews on its page", "您好"),
        Unreadable("reviews:response #3", "it answers none of the reviews on its page"),
    ]


def test_fields_that_are_missing_are_missing_in_the_record(tmp_path: Path) -> None:
    bare = {"type": "customerReviews", "id": "a1", "attributes": {"body": "很好", "rating": None, "title": None}}
    answers = [{"data": [bare]}, {"data": []}, 7]
    (tmp_path / "a.json").write_text("\n".join(map(json.dumps, answers)), encoding="utf-8")
    assert list(AppStoreConnectCollector().saved(tmp_path / "a.json", visit())) == [
        Record("很好", "review", "App Store", "a.json:a1", "a1", problems=("it has no rating",)),
        Unreadable("a.json:#3", "it is not an object"),
    ]


def test_an_app_without_reviews_is_no_error(world: World, web: Wire) -> None:
    world.said = []
    assert pages(web) == [Page([], Reached().text())]


PLACE = f"HOST/v1/apps/{APP}/customerReviews"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"data": "x", "links": {}}, f"{PLACE}: 'data' of the answer is no list. Has the interface changed? It has: data, links."),
        ({"data": []}, f"{PLACE}: the answer holds no 'links' to go on by. Has the interface changed?"),
        ({"data": [], "included": 1, "links": {}}, f"{PLACE}: 'included' of the answer is no list. Has the interface changed?"),
        (
            {"data": [{"id": 4}], "links": {}},
            f"{PLACE}: no review on this page can be read: it has no id or no attributes. Has the interface changed?",
        ),
        ({"data": [], "links": {"next": "https://elsewhere.example/v1"}}, "127.0.0.1 names a next page on elsewhere.example, which was not asked."),
        ({"data": [], "links": {"next": "//[x/v1"}}, f"{PLACE}: the address of the next page is none. Has the interface changed?"),
        ({"data": [], "links": {"next": "/v1?cursor=a"}}, "127.0.0.1 names the same next page again and again. Run this again later."),
    ],
)  # fmt: skip
def test_an_answer_of_another_shape_is_an_error(web: Wire, content: object, message: str) -> None:
    web.answer = lambda _asked: Reply(content)
    with pytest.raises(CollectError) as caught:
        pages(web)
    assert str(caught.value).replace(web.url.removeprefix("http://"), "HOST") == message


def test_with_since_it_reads_no_further_back(world: World, web: Wire) -> None:
    world.said = [replace(one, posted_at=NOW - timedelta(days=30 - one.number)) for one in world.said]
    asked_by = replace(visit(web.url), since=NOW - timedelta(days=15))
    found = list(AppStoreConnectCollector().pages("reviews", None, asked_by))
    assert [numbers(page) for page in found] == [[*range(20, 13, -1)], [*range(13, 6, -1)]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"app": "com.example"}, "source 'live': 'app' is the Apple ID of the app, a number: App Store Connect shows it under App Information."),
        ({"key_id": ""}, "source 'live': 'key_id' is missing."),
        ({"issuer_id": 5}, "source 'live': 'issuer_id' must be text in quotes, not 5."),
        ({"keyid": "x"}, "source 'live': unknown 'keyid'. Known: app, issuer_id, key, key_id, url."),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(CollectError) as caught:
        AppStoreConnectCollector().streams(visit(**options))
    assert str(caught.value) == message


def test_asking_for_the_streams_reads_no_key() -> None:
    assert AppStoreConnectCollector().streams(visit(key={"file": "/nowhere/at/all"})) == ["reviews"]


def test_whoever_brings_no_token_is_not_let_in(world: World) -> None:
    """The world's own: a collector that signs wrongly must not pass."""
    other = jwt.encode({"iss": ISSUER_ID, "aud": "appstoreconnect-v1", "exp": 2**31}, "x" * 32, algorithm="HS256")
    for header in ("", "Bearer x", f"Bearer {other}"):
        assert world.answer(Asked("GET", "/", {}, {"Authorization": header}, b"")).status == 401
