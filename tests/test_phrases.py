"""The words of a digest: both languages whole, numbers and dates as read by people, sentences made by rule."""

import re
from dataclasses import replace
from importlib import resources
from pathlib import Path
from string import Formatter

import pytest
from fixtures_digest import NOTHING, PARAMETERS, quote, sample_digest, tally, tiny_digest

from feedback.digest.conclusions import conclusions
from feedback.digest.phrases import Phrases
from feedback.digest.render import to_html, to_markdown
from feedback.digest.words import EN, NAMES, ZH
from feedback.errors import DigestError
from feedback.journey.model import Period, PeriodKind


def _wording_in(text: str) -> set[str]:
    return set(re.findall(r"""(?:\bw|words|_words|self)(?:\.count)?\(\s*"(\w+)\"""", text))


def test_every_wording_is_there_in_both_languages_with_the_same_values_to_fill_in() -> None:
    def values(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text.partition("|")[0]) if name} - {"this", "last"}

    assert list(ZH) == list(EN)
    assert {key: values(text) for key, text in ZH.items()} == {key: values(text) for key, text in EN.items()}
    assert [text for text in (*ZH.values(), *EN.values()) if text != text.strip("\n")] == []
    assert all(zh and en for names in NAMES.values() for zh, en in names.values())


def test_every_wording_is_used_and_every_used_one_exists() -> None:
    folder = resources.files("feedback") / "digest"
    sources = [f for f in folder.iterdir() if f.name in ("render.py", "conclusions.py", "notes.py", "phrases.py")]
    sources += [f for f in (folder / "templates").iterdir() if f.name.endswith(".j2")]
    texts = "".join(Path(str(f)).read_text(encoding="utf-8") for f in sources)
    assert len(sources) == 7
    assert sorted(_wording_in(texts) - set(ZH) - {"changes_"}) == []
    made_up = re.compile(
        r"(title|this|last|changes)_\w+|top_\w+_item|(posi|nega)tive_share"
    )  # keys put together from parts
    assert [key for key in ZH if f'"{key}"' not in texts and not made_up.fullmatch(key)] == []


def words(lang: str, period: Period | None = None, timezone: str = "Asia/Shanghai") -> Phrases:
    parameters = replace(PARAMETERS, period=period or PARAMETERS.period, timezone=timezone)
    return Phrases(replace(tiny_digest(), parameters=parameters), lang)


PERIODS: list[tuple[PeriodKind, str | None, str | None, str, str, str]] = [
    ("day", "2026-02-25", "2026-02-26", "2026年2月25日（周三）", "Wednesday, 25 February 2026", "当日"),
    ("week", "2026-02-23", "2026-03-02", "2026年2月23日—3月1日", "23 February – 1 March 2026", "本周"),
    ("week", "2025-12-29", "2026-01-05", "2025年12月29日—2026年1月4日", "29 December 2025 – 4 January 2026", "本周"),
    ("month", "2026-02-01", "2026-03-01", "2026年2月", "February 2026", "本月"),
    ("quarter", "2026-01-01", "2026-04-01", "2026年第一季度", "Q1 2026", "本季度"),
    ("quarter", "2026-07-01", "2026-10-01", "2026年第三季度", "Q3 2026", "本季度"),
    ("day", "2026-02-23", "2026-02-26", "2026年2月23日—2月25日", "23 February – 25 February 2026", "本期"),
    ("week", "2026-02-24", "2026-03-03", "2026年2月24日—3月2日", "24 February – 2 March 2026", "本期"),
    ("month", "2026-02-01", "2026-02-15", "2026年2月1日—2月14日", "1 February – 14 February 2026", "本期"),
    ("all", None, None, "全部时间", "All time", "至今"),
]


@pytest.mark.parametrize(("kind", "start", "end", "zh", "en", "this"), PERIODS)
def test_a_period_is_named_by_its_first_and_last_day(
    kind: PeriodKind, start: str | None, end: str | None, zh: str, en: str, this: str
) -> None:
    period = Period(kind, start, end)
    assert (words("zh", period).period(period), words("en", period).period(period)) == (zh, en)
    assert words("zh", period)("stage_silent") == f"{this}没有相关观点。"


def test_a_quote_is_dated_by_the_local_day_and_by_the_year_where_it_differs() -> None:
    late = "2026-02-25T16:30:00Z"
    assert words("zh").quote_date(quote(1, "", posted_at=late)) == "2月26日"
    assert words("en", timezone="America/New_York").quote_date(quote(1, "", posted_at=late)) == "25 February"
    assert words("zh").quote_date(quote(1, "", posted_at="2025-12-31T16:00:00Z")) == "1月1日"
    assert words("zh").quote_date(quote(1, "", posted_at="2025-12-31T15:59:59Z")) == "2025年12月31日"
    assert words("zh", Period("all", None, None)).quote_date(quote(1, "", posted_at=late)) == "2026年2月26日"
    assert words("zh").quote_date(quote(1, "", posted_at=None)) == "日期不详"


def test_numbers_are_rounded_as_by_hand_with_a_true_minus() -> None:
    zh, en = words("zh"), words("en")
    assert (zh.integer(1234567), zh.integer(-5)) == ("1,234,567", "−5")
    assert (zh.percent(0.32149), zh.percent(0.5545), zh.percent(None), zh.percent(12.5)) == (
        "32.1%",
        "55.5%",
        "—",
        "1,250.0%",
    )
    assert (zh.net(0.2125), zh.net(-0.2125), zh.net(0.0), zh.net(-0.0004), zh.net(None)) == (
        "+21.3%",
        "−21.3%",
        "0.0%",
        "0.0%",
        "—",
    )
    assert (zh.unsigned_points(-0.084), en.unsigned_points(-0.084)) == ("8.4 个百分点", "8.4 points")
    assert (zh.sample(0), zh.sample(29), zh.sample(30)) == ("n = 0", "n = 29，样本少", "n = 30")
    assert (en.count("verbatim", 1), en.count("verbatim", 0), zh.count("verbatim", 1)) == (
        "1 verbatim",
        "0 verbatims",
        "1 条客户原声",
    )


def test_the_conclusions_of_a_week_with_a_story() -> None:
    digest = sample_digest()
    assert conclusions(digest, Phrases(digest, "zh")) == [
        [
            "本周收到 512 条客户原声（有效 470 条），来自 5 个渠道。",
            "有效原声比上周多 11.4%（上周 422 条）。",
            "净情感 +27.1%（95% 区间 +20.8% 至 +33.4%），与上周（+29.7%）相比没有超出随机波动。",
            "变差最明显：物流，净情感由 +27.3% 降到 −69.7%。",
            "好转最明显：噪音，净情感由 −53.5% 升到 +65.9%。",
            "声量变化最大：物流，占比由 6.4% 升到 9.2%。",
        ],
        [
            "抱怨最集中：购买决策·物流（66 条中负面 52 条）、售后服务·客服响应（37 条中负面 21 条）。",
            "好评最集中：体验参与·口感风味（115 条中正面 96 条）、体验参与·噪音（41 条中正面 31 条）。",
            "另有 2 条原声尚未分析，不在情感数字之内。",
        ],
    ]


def sentences(**overview: object) -> list[str]:
    """The first paragraph of the sample digest, its overview changed and its changes left out."""
    digest = sample_digest()
    digest = replace(digest, overview=replace(digest.overview, **overview), changes=(), stages=())  # type: ignore[arg-type]
    return conclusions(digest, Phrases(digest, "zh"))[0]


def test_a_net_sentiment_that_moved_beyond_chance_is_said_to_have_moved() -> None:
    assert sentences(tally=tally(200, 100, 300), previous=tally(300, 100, 200))[2:] == [
        "净情感 −16.7%（95% 区间 −23.8% 至 −9.5%），比上周下降 33.3 个百分点。",
        "变化是分散的：没有哪个阶段或方面的变化单独超出随机波动。",
    ]
    up = sentences(tally=tally(300, 100, 200), previous=tally(200, 100, 300))[2]
    assert up == "净情感 +16.7%（95% 区间 +9.5% 至 +23.8%），比上周上升 33.3 个百分点。"
    assert sentences(tally=tally(30, 10, 20), previous=tally(25, 10, 25))[2:] == [
        "净情感 +16.7%（95% 区间 −6.0% 至 +39.4%），与上周（0.0%）相比没有超出随机波动。",
        "各阶段、各方面与上周相比，没有超出随机波动的变化。",
    ]


def test_a_period_with_nothing_to_count_says_why() -> None:
    assert sentences(verbatims_effective=0, tally=NOTHING) == [
        "本周收到 512 条客户原声，但都是重复内容或没有意见的内容，有效 0 条，因此没有可报告的结论。"
    ]
    assert sentences(tally=NOTHING, not_analyzed=470) == [
        "本周收到 512 条客户原声（有效 470 条），来自 5 个渠道。",
        "这些原声还没有分析出观点，因此没有情感结论。",
        "另有 470 条原声尚未分析，不在情感数字之内。",
    ]
    assert sentences(verbatims_effective=422)[1] == "有效原声与上周持平（422 条）。"
    assert sentences(verbatims_effective=211)[1] == "有效原声比上周少 50.0%（上周 422 条）。"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"timezone": "Mars/Olympus"}, "The digest's time zone 'Mars/Olympus' is not in the time zone database."),
        ({"timezone": "../etc"}, "The digest's time zone '../etc' is not in the time zone database."),
        (
            {"period": Period("week", "soon", "later")},
            "The digest's period 'soon' to 'later' is not made of dates.",
        ),
        (
            {"period": Period("week", "2026-03-02", "2026-03-02")},
            "The digest's period '2026-03-02' to '2026-03-02' holds no day.",
        ),
    ],
)
def test_parameters_that_make_no_sense_are_refused_in_one_line(change: dict[str, object], message: str) -> None:
    digest = replace(tiny_digest(), parameters=replace(PARAMETERS, **change))  # type: ignore[arg-type]
    with pytest.raises(DigestError) as caught:
        to_markdown(digest, "zh")
    assert str(caught.value) == message


def test_an_unknown_language_and_a_bad_date_are_refused_in_one_line() -> None:
    with pytest.raises(DigestError) as caught:
        to_html(tiny_digest(), "fr")
    assert str(caught.value) == "No wording in language 'fr'. Known: en, zh."
    with pytest.raises(DigestError) as caught:
        words("zh").quote_date(quote(7, "", posted_at="昨天"))
    assert str(caught.value) == "The date of verbatim #7 is '昨天', which is no point in time."
