"""A digest as a reader sees it: whole texts of small digests, hostile contents, wording, numbers and dates."""

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from fixtures_digest import (
    HOSTILE_TEXTS,
    empty_digest,
    hostile_digest,
    quote,
    sample_digest,
    tally,
    tiny_digest,
)

from feedback.digest import charts
from feedback.digest.json_form import from_json, to_json
from feedback.digest.render import _folded, to_html, to_markdown
from feedback.digest.words import EN, ZH
from feedback.journey.model import Digest

BUILDERS = [sample_digest, tiny_digest, empty_digest, hostile_digest]
RENDERERS = [to_html, to_markdown]

OPENING = (
    "本周收到 4 条客户原声（有效 3 条），来自 2 个渠道。净情感 −33.3%（95% 区间 −100.0% 至 +73.4%）。"
    "上周没有可比的数据，不作比较。"
)
UNDETERMINED = (
    "共 1 条观点，占全部有效观点的 33.3%。没有点明旅程阶段的观点，如只说“很好”“谢谢”。不归入任何阶段，在此如实列出。"
)
PAIN = "净情感 −100.0%（95% 区间 −100.0% 至 −2.0%；n = 2，样本少）"
TINY_MARKDOWN = f"""\
# 小店 · 客户旅程周报

2026年2月23日—3月1日

{OPENING}

抱怨最集中：购买决策·物流（2 条中负面 2 条）。有效观点只有 3 条，样本少，以上仅供参考。

## 什么变了

上周没有可比的数据，不作比较。

## 旅程总览

净情感 =（正面 − 负面）÷ 有效观点。

| 阶段 | 声量 | 占比 | 净情感 | 95% 区间 | 证据 |
|---|---:|---:|---:|---:|---:|
| 购买决策 | n = 2，样本少 | 66.7% | −100.0% | −100.0% 至 −2.0% | 2 |
| 未能判定 | n = 1，样本少 | 33.3% | +100.0% | −96.0% 至 +100.0% | 1 |

证据见 JSON：每个数字、每条引文背后的编号都列在其中。

## 各阶段的痛点与亮点

### 购买决策

**痛点**

1. **物流** 负面占 100.0% · {PAIN} · 负面 2 · 中性 0 · 正面 0 · 证据 2 条

   > 快递太慢 — 京东 · 2月25日 · 晨雾手摇磨豆机 · 原声 #1

   > 三天没动静 — 天猫 · 2月25日 · 原声 #2

**亮点**

没有达到排名门槛的亮点。

## 评分

- **星级** 2.33（95% 区间 1.00 至 4.10；n = 3，样本少；1—5 分；证据 3 条）

## 未能判定

{UNDETERMINED}

没有达到排名门槛的痛点或亮点。

## 数据说明

- **时段**：2026年2月23日—3月1日（时区 Asia/Shanghai）
- **对比时段**：2026年2月16日—2月22日
- **客户原声**：共 4 条，有效 3 条；上周共 0 条，有效 0 条
- **不计入有效**：重复 1 条
- **观点**：共 4 条，有效 3 条；一条原声可拆成几条观点；占比、净情感和区间都按有效观点计算
- **渠道**：京东（评价）3 条，有效 2 条；天猫（评价）1 条，有效 1 条
- **只作上下文**：客服与机器人发言、商家回复 1 条
- **日期不详**：整个项目 0 条，不归入任何时段
- **尚未分析**：0 条，其中分析失败 0 条
- **排名门槛**：有效观点少于 5 条的方面和渠道不参与排名；少于 30 条的注明“样本少”
- **版本**：yuansheng 0.1.0，分析 fast-3f9a1c07，随机种子 20261122
- **生成**：2026年3月2日 08:30，数据截至原声 #4312
- **如何核对**：`feedback verify FILE.json`；对照数据库重算每个数字和每条引文，有出入即指明
"""


class Page(HTMLParser):
    """An HTML page as its elements, its attributes and the text a reader sees."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "link", "br", "line", "circle", "rect"):
            self._open.append(tag)
            if tag in ("p", "blockquote", "th", "td"):
                self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        if self._open and tag == self._open[-1]:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if "svg" not in self._open:
            for tag in self._open:
                if tag in self.texts:
                    self.texts[tag][-1] += data


def test_a_tiny_digest_in_markdown() -> None:
    assert to_markdown(tiny_digest(), "zh") == TINY_MARKDOWN


def test_a_tiny_digest_in_html_says_what_the_markdown_says() -> None:
    page = Page(to_html(tiny_digest(), "zh"))
    assert page.texts["p"] == [
        "小店",
        "2026年2月23日—3月1日",
        OPENING,
        TINY_MARKDOWN.split("\n")[6],
        "净情感 −33.3%",
        "−100%0+100%",
        "负面 2 · 中性 0 · 正面 1 · n = 3，样本少 · 95% 区间 −100.0% 至 +73.4%",
        "上周没有可比的数据，不作比较。",
        "净情感 =（正面 − 负面）÷ 有效观点。圆点为本周，横线为 95% 区间。",
        "负面 2 · 中性 0 · 正面 0\n净情感 −100.0% · 95% 区间 −100.0% 至 −2.0% · n = 2，样本少 · 证据 2 条",
        "没有达到排名门槛的亮点。",
        "2.33",
        "95% 区间 1.00 至 4.10\nn = 3，样本少 · 1—5 分\n证据 3 条",
        UNDETERMINED,
        "没有达到排名门槛的痛点或亮点。",
        "证据见 JSON：每个数字、每条引文背后的编号都列在其中。",
    ]
    assert page.texts["blockquote"] == ["快递太慢", "三天没动静"]
    assert page.texts["td"] == [
        "66.7% · n = 2，样本少 · 证据 2 条",
        "",
        "−100.0%−100.0% 至 −2.0%",
        "33.3% · n = 1，样本少 · 证据 1 条",
        "",
        "+100.0%−96.0% 至 +100.0%",
    ]


@pytest.mark.parametrize(
    ("lang", "opening"),
    [
        ("zh", "本周（2026年2月23日—3月1日）没有收到客户反馈，因此没有可报告的结论。上周收到 451 条客户原声。"),
        (
            "en",
            "No customer feedback this week (23 February – 1 March 2026), so there is nothing to conclude. "
            "451 verbatims came in last week.",
        ),
    ],
)
def test_an_empty_period_says_so_and_shows_nothing_but_the_notes(lang: str, opening: str) -> None:
    markdown = to_markdown(empty_digest(), lang)
    assert markdown.split("\n")[4] == opening
    assert [line for line in markdown.split("\n") if line.startswith("#")][1:] == [
        f"## {(ZH, EN)[lang == 'en']['notes']}"
    ]
    page = Page(to_html(empty_digest(), lang))
    assert page.texts["p"][2:] == [opening, (ZH, EN)[lang == "en"]["evidence_note"]]
    assert not page.elements & {"svg", "table", "blockquote"}


@pytest.mark.parametrize("render", RENDERERS)
def test_without_a_previous_period_there_is_no_arrow_and_no_comparison(render: Callable[[Digest, str], str]) -> None:
    for digest in (tiny_digest(), empty_digest()):
        shown = render(digest, "zh")
        assert not re.search("[▲▼]|较上周", shown)
    assert re.search("[▲▼].*", render(sample_digest(), "zh"))
    assert "较上周" in render(sample_digest(), "zh")


def test_only_stages_bear_arrows_for_listed_changes_are_of_aspects_over_all_stages() -> None:
    text = to_markdown(sample_digest(), "zh")
    assert "| 购买决策 | n = 136 | 19.1% | −39.7% | −53.6% 至 −25.8% | ▼ −67.1 |" in text
    assert "负面 52 · 中性 8 · 正面 6 · 较上周 −97.0 个百分点 · 证据 66 条" in text
    assert "- **物流** ▼ 净情感 +27.3% → −69.7%" in text


def test_what_rests_on_too_few_is_not_compared() -> None:
    digest = sample_digest()
    enough, too_few = tally(4, 0, 1), tally(3, 0, 1)
    for now, before, shown in ((enough, enough, "0.0"), (too_few, enough, "样本太少"), (enough, too_few, "样本太少")):
        stages = tuple(replace(s, tally=now, previous=before) for s in digest.stages if s.stage == "awareness")
        row = re.search(r"\| 意识觉醒 .*", to_markdown(replace(digest, stages=stages, changes=()), "zh"))
        assert row is not None
        assert row[0].split(" | ")[-2] == shown
    pain = replace(digest.stages[3].pain_points[0], previous=too_few)
    text = to_markdown(replace(digest, stages=(replace(digest.stages[3], pain_points=(pain,)),)), "zh")
    assert "负面 52 · 中性 8 · 正面 6 · 样本太少，不与上周比较 · 证据 66 条" in text


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_html_requests_nothing_and_runs_nothing(build: Callable[[], Digest], lang: str) -> None:
    text = to_html(build(), lang)
    page = Page(text)
    leading = {"src", "href", "srcset", "action", "data", "poster", "background", "style", "xlink:href", "ping"}
    assert {value for name, value in page.attributes if name in leading} <= {"data:,", "#notes"}
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert not page.elements & {"script", "img", "iframe", "object", "embed", "video", "audio", "base", "form"}
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in text


def test_what_customers_write_stays_text_in_html() -> None:
    page = Page(to_html(hostile_digest(), "zh"))
    assert "b" not in page.elements
    shown = page.texts["blockquote"]
    assert HOSTILE_TEXTS[0] in shown
    assert HOSTILE_TEXTS[1] in shown
    assert "␛[31m红␇\ufffd反转\n第二行\n第三行" in shown
    assert "" in shown


@pytest.mark.parametrize("text", [HOSTILE_TEXTS[2], HOSTILE_TEXTS[3], "很好，" * 700])
def test_a_long_quote_is_folded_and_nothing_of_it_is_lost(text: str) -> None:
    head, rest = _folded(text)
    assert head + rest == text
    assert len(head) <= 140
    digest = tiny_digest()
    purchase = digest.stages[0]
    pain = replace(purchase.pain_points[0], quotes=(quote(1, text),))
    page = Page(to_html(replace(digest, stages=(replace(purchase, pain_points=(pain,)),)), "zh"))
    assert page.texts["blockquote"] == [f"{head}…展开其余 {len(rest):,} 字{rest}"]


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("好" * 180, "好" * 180),
        ("好" * 181, "好" * 140),
        ("好" * 99 + "。" + "坏" * 99, "好" * 99 + "。"),
        ("好" * 9 + "。" + "坏" * 199, "好" * 9 + "。" + "坏" * 130),
        ("好" * 138 + "👩‍👧" + "坏" * 60, "好" * 138),
        ("好" * 139 + "👍🏽" + "坏" * 60, "好" * 139),
        ("好" * 139 + "e\u0301" + "坏" * 60, "好" * 139),
    ],
    ids=["slack", "plain", "sentence", "stop too early", "joined emoji", "skin tone", "accent"],
)
def test_a_quote_is_folded_after_a_sentence_and_never_inside_a_character(text: str, head: str) -> None:
    assert _folded(text)[0] == head


def test_what_customers_write_stays_text_in_markdown() -> None:
    lines = to_markdown(hostile_digest(), "zh").split("\n")
    evil = r"\</style>\<b>\|\`\*x\*\` # 名"
    start = lines.index(r"  > \# 标题  ")
    assert lines[start : start + 6] == [
        r"  > \# 标题  ",
        r"  > \> 引用  ",
        r"  > \- 列表  ",
        r"  >   ",
        r"  > 代码  ",
        r"  > 1\. 一 \| 二 \~\~删\~\~ \*\*粗\*\* \`码\` \[链\](https://evil.example) \&lt; \$x\$"
        f" — {evil} · 2月25日 · {evil} · 原声 #1",
    ]
    assert lines[0] == f"# {evil} · 客户旅程周报"
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("render", RENDERERS)
@pytest.mark.parametrize("build", BUILDERS)
def test_english_uses_no_chinese_but_what_is_in_the_data(
    build: Callable[[], Digest], render: Callable[[Digest, str], str]
) -> None:
    chinese = "[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"
    digest = from_json(re.sub(chinese, "x", to_json(build())))
    assert re.findall(chinese, render(digest, "en")) == []
    assert re.findall(chinese, render(digest, "zh"))


def test_a_net_strip_places_dot_whisker_and_ring_and_says_them() -> None:
    svg = charts.net_strip(tally(0, 0, 4), tally(2, 0, 2), "<物流> −100%")
    assert svg == (
        '<svg class="strip" role="img" aria-label="&lt;物流&gt; −100%" width="100%" height="24">'
        "<title>&lt;物流&gt; −100%</title>"
        '<line class="axis" x1="3.00%" x2="97.00%" y1="12" y2="12"/>'
        '<line class="zero" x1="50%" x2="50%" y1="3" y2="21"/>'
        '<circle class="previous" cx="50.00%" cy="12" r="5"/>'
        '<line class="whisker negative" x1="3.00%" x2="26.03%" y1="12" y2="12"/>'
        '<circle class="dot negative" cx="3.00%" cy="12" r="5"/></svg>'
    )
