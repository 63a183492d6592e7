"""robots.txt, read as RFC 9309 says; sections and examples are its own where they are named."""

import pytest
from wire import Asked, Reply, wire

from feedback.collectors.live.patience import Patience
from feedback.collectors.live.robots import LONGEST, Robots, is_allowed, read_rules
from feedback.errors import CollectError


def allowed(rules: str | bytes, path: str) -> bool:
    return is_allowed(path, read_rules(rules.encode() if isinstance(rules, str) else rules))


# Which rule counts (2.2.2, 2.2.3)


@pytest.mark.parametrize(
    "rules, path, allows",
    [
        pytest.param("Allow: /\nDisallow: /feed", "/feed", False, id="the longest, not the first"),
        pytest.param("Disallow: /\nAllow: /feed", "/feed", True, id="the longest, if it allows"),
        pytest.param("Disallow: /feed\nAllow: /feed", "/feed", True, id="of two of one length the one that allows"),
        pytest.param("Disallow: /*.xml\nAllow: /a", "/a.xml", False, id="a wildcard counts as long as it is written"),
        pytest.param("Allow: /example/page/\nDisallow: /example/page/no.gif", "/example/page/no.gif", False, id="5.2"),
        pytest.param("Disallow: /feed", "/feeds/1", False, id="a beginning"),
        pytest.param("Disallow: /feed", "/news/feed", True, id="no middle"),
        pytest.param("Disallow: /Feed", "/feed", True, id="other letters"),
        pytest.param("Disallow:", "/feed", True, id="nothing"),
        pytest.param("Disallow: feed", "/feed", True, id="what begins with no slash"),
        pytest.param("", "/feed", True, id="no rule"),
        pytest.param("Disallow: /*.xml$", "/board/feed.xml", False, id="*, then the end"),
        pytest.param("Disallow: /*.xml$", "/feed.xml?a=1", True, id="*, and then not the end"),
        pytest.param("Disallow: /*.xml$", "/a.xml/b.xml", False, id="*, and the end comes twice"),
        pytest.param("Disallow: *.xml", "/feed.xml", False, id="* at the beginning"),
        pytest.param("Disallow: /a*b*c", "/a-c-b", True, id="parts in another order"),
        pytest.param("Disallow: /a*b*c", "/a-b-c-d", False, id="parts in their order"),
        pytest.param("Disallow: /a*aba$", "/aba", True, id="parts that would overlap"),
        pytest.param("Disallow: /a***b", "/a-b", False, id="several *"),
        pytest.param("Disallow: /feed$", "/feed", False, id="the end"),
        pytest.param("Disallow: /feed$", "/feeds", True, id="not the end"),
        pytest.param("Disallow: /a$b", "/a$b", False, id="a $ in the middle is a $"),
        pytest.param("Disallow: /feed.xml?*", "/feed.xml?board=7", False, id="the query"),
        pytest.param("Disallow: /feed.xml?*", "/feed.xml", True, id="no query"),
        pytest.param("Disallow: /*board=7", "/feed.xml?a=1&board=7", False, id="* into the query"),
        pytest.param("Disallow: /foo?baz=https://foo.bar", "/foo?baz=https%3A%2F%2Ffoo.bar", False, id="2.2.2, row 2"),
        pytest.param("Disallow: /bar/ツ", "/bar/%E3%83%84", False, id="2.2.2, row 3"),
        pytest.param("Disallow: /bar/%e3%83%84", "/bar/%E3%83%84", False, id="2.2.2, row 4, in small letters"),
        pytest.param("Disallow: /bar/%62%61%7A", "/bar/baz", False, id="2.2.2, row 5"),
        pytest.param("Disallow: /with-a-%2A.html", "/with-a-*.html", False, id="2.2.3, a * that is meant"),
        pytest.param("Disallow: /with-a-%2A.html", "/with-a-b.html", True, id="2.2.3, and nothing else"),
        pytest.param("Disallow: /foo-%24", "/foo-$/more", False, id="2.2.3, a $ that is meant"),
        pytest.param("Disallow: /100%", "/100%25", False, id="a % that escapes nothing"),
        pytest.param("dISALLOW : /feed # 不要", "/feed", False, id="spaces, capitals and comments"),
    ],
)
def test_of_the_rules_that_fit_the_longest_counts(rules: str, path: str, allows: bool) -> None:
    assert allowed(f"User-agent: *\n{rules}", path) is allows


def test_a_path_in_another_encoding_is_compared_by_its_bytes() -> None:
    assert not allowed("User-agent: *\nDisallow: /板块".encode("gbk"), "/%B0%E5%BF%E9/feed")


# Whom a group is for (2.2.1)


@pytest.mark.parametrize(
    "rules, allows",
    [
        pytest.param("User-agent: *\nDisallow: /\n\nUser-agent: yuansheng\nDisallow: /x", True, id="ours before all"),
        pytest.param("User-agent: *\nDisallow: /\n\nUser-agent: yuansheng", True, id="ours, which forbids nothing"),
        pytest.param("User-agent: YuanSheng\nDisallow: /", False, id="capitals"),
        pytest.param("User-agent: yuansheng/0.1 (feeds)\nDisallow: /", False, id="a version"),
        pytest.param("User-agent: yuan\nAllow: /\n\nUser-agent: *\nDisallow: /", False, id="the beginning of our name"),
        pytest.param("User-agent: yuansheng-bot\nDisallow: /", True, id="a longer name"),
        pytest.param("User-agent: *bot\nDisallow: /", True, id="no wildcards in names"),
        pytest.param("User-agent: a\nUser-agent: yuansheng\nUser-agent: b\nDisallow: /", False, id="one of several"),
        pytest.param("User-agent: yuansheng\nCrawl-delay: 1\nUser-agent: b\nDisallow: /", False, id="others between"),
        pytest.param("User-agent: a\nDisallow: /\nUser-agent: yuansheng\nDisallow: /x", True, id="the next group"),
        pytest.param("User-agent: a\nDisallow:\nUser-agent: yuansheng\nDisallow: /x", True, id="after an empty rule"),
        pytest.param(
            "User-agent: yuansheng\nDisallow: /x\n\nUser-agent: a\nAllow: /\n\nUser-agent: yuansheng\nDisallow: /",
            False,
            id="two groups are one",
        ),
        pytest.param("Disallow: /", True, id="nobody's"),
        pytest.param("User-agent: *\r\rDisallow: /", False, id="ends of lines"),
        pytest.param("\ufeffUser-agent: *\nDisallow: /", False, id="a mark before all"),
        pytest.param("<!doctype html><title>User-agent: *</title>\nDisallow: /", True, id="a web page"),
    ],
)
def test_a_group_for_this_program_counts_before_the_one_for_all(rules: str, allows: bool) -> None:
    assert allowed(rules, "/feed") is allows


# Long files (2.5)


def test_of_a_long_file_500_kb_are_read_and_no_half_of_a_rule() -> None:
    begin = b"User-agent: *\nDisallow: /feed\n"
    fill = b"#" * (LONGEST - len(begin) - len(b"\nAllow: /feed"))
    assert not allowed(begin + fill + b"\nAllow: /feed/only/this", "/feed")
    assert allowed(begin + fill + b"\nAllow: /feed", "/feed")


@pytest.mark.parametrize(
    "body",
    [
        b"".join(b"User-agent: %d\n" % n for n in range(15_000)) + b"Allow: /\n" * 30_000,
        b"User-agent: *\nDisallow: /" + b"*a" * 250_000,
        b"User-agent: *\n" + b"Disallow: /*a*b\n" * 30_000,
    ],
    ids=["many programs with many rules", "many wildcards", "many rules"],
)
def test_a_file_that_is_made_to_break_programs_is_read(body: bytes) -> None:
    assert allowed(body, "/" + "a" * 2000)


# Asking


def test_each_site_is_asked_once_and_told_who_asks() -> None:
    with wire(lambda _asked: Reply(b"User-agent: *\nDisallow: /x")) as one, wire(lambda _asked: Reply(b"")) as other:
        robots, patience = Robots(), Patience()
        for path in ("/feed", "/feed?a=1", "/robots.txt"):
            robots.check(one.url + path, patience)
        robots.check(f"{other.url}/x", patience)
        with pytest.raises(CollectError):
            robots.check(f"{one.url}/x", patience)
        assert [(asked.path, asked.headers["Accept"]) for asked in one.asked] == [
            ("/robots.txt", "text/plain, */*;q=0.1")
        ]
        assert one.asked[0].headers["User-Agent"].startswith("yuansheng/")
        assert len(other.asked) == 1


def test_parameters_belong_to_the_address_and_are_not_told() -> None:
    with wire(lambda _asked: Reply(b"User-agent: *\nDisallow: /*gl=cn")) as web:
        robots, patience = Robots(), Patience()
        robots.check(f"{web.url}/reviews", patience, {"gl": "us"})
        with pytest.raises(CollectError) as error:
            robots.check(f"http://me:s3cret@{web.url.removeprefix('http://')}/reviews", patience, {"gl": "cn"})
    assert str(error.value) == (
        f"{web.url.removeprefix('http://')} does not want programs to read /reviews (robots.txt). "
        "It was not asked for; ask those who run it."
    )


@pytest.mark.parametrize("path", ["/x/../feed", "/x/%2e%2e/feed", "/./feed", "/%66eed", "/feed#x"])
def test_an_address_is_compared_as_it_is_sent(path: str) -> None:
    with wire(lambda _asked: Reply(b"User-agent: *\nDisallow: /feed$")) as web, pytest.raises(CollectError):
        Robots().check(web.url + path, Patience())


def test_rules_that_have_moved_on_their_site_are_followed() -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/robots.txt":
            return Reply(b"", 301, {"Location": "/rules"})
        return Reply(b"User-agent: *\nDisallow: /feed")

    with wire(answer) as web, pytest.raises(CollectError, match=r"does not want programs to read /feed"):
        Robots().check(f"{web.url}/feed", Patience())


def test_what_is_no_address_is_left_to_whoever_asks() -> None:
    for url in ("play.example", "http://[::1/", "http://shop.example:x/"):
        Robots().check(url, Patience())
