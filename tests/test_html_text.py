"""HTML as lines."""

import pytest

from feedback.collectors.html_text import text_of_html

CASES = [
    ("物流<b>太</b>慢", "物流太慢", "inline elements leave no gap"),
    ("<p>一</p><p>二</p>", "一\n二", "paragraphs are lines"),
    ("一<br>二<br/>三<BR />四", "一\n二\n三\n四", "breaks"),
    ("一<br><br>二", "一\n\n二", "an empty line"),
    ("<ul><li>慢</li><li>贵</li></ul>", "慢\n贵", "lists"),
    ("<table><tr><td>一</td><td>二</td></tr><tr><td>三</td></tr></table>", "一 二\n三", "rows are lines, cells words"),
    ("  质量\n   很好\t ", "质量 很好", "blanks"),
    ("质量&nbsp;很好 &lt;3 &amp; &#128077; &unknown;", "质量 很好 <3 & 👍 &unknown;", "entities"),
    ("好<!-- 看不见 > 的 -->评", "好评", "comments"),
    ("好<!-- 没完", "好", "a comment that is not closed"),
    ("<!doctype html><html><head><meta charset=utf-8><title>标题</title><body>正文", "正文", "a page"),
    ("<style>p > a {}</style>好<script>if (a<b) { x = '<p>'; }</script>评", "好评", "styles and scripts"),
    ("好<script>if (a<b)", "好", "a script that is not closed"),
    ("<svg><text>图</text><svg></svg></svg>好", "好", "drawings, one in another"),
    ("<iframe/>好", "好", "an element that closes itself"),
    ("<![CDATA[好]]>评", "好]]>评", "marks of CDATA, in what should not have them"),
    ("<![if !mso]>好<![endif]>评", "好评", "what only some programs see"),
    ("<3 你好 <推荐> 1<2", "<3 你好 <推荐> 1<2", "what is no tag"),
    ("<a title=\"a > b\">好</a><a title='c>d'>评</a>", "好评", "a > in quotes"),
    ('<a title="没完>好</a>评', "好评", "quotes that are not closed"),
    ("<o:p>好</o:p><my-tag>评</my-tag>", "好评", "names of other programs"),
    ("一<blockquote>二</blockquote>三", "一\n二\n三", "quotes that are not marked"),
    ("&#99999999999;&#x99999999;好", "好", "characters that there are not"),
    ("&#" + "1" * 5000 + ";好", "好", "a number that Python does not read"),
    (
        '好<div style="color: red; Display : none">看不见<div>也</div></div>评',
        "好\n评",
        "a block that is not displayed",
    ),
    (
        "好<span style=display:none>看不见</span>评<br style='display:none'>论",
        "好评\n论",
        "what is not displayed in a line",
    ),
    ('<div style="display:none">没完<p>好</p>', "没完\n好", "what is not displayed and not closed"),
    ('<p style="display:none">一<p>二', "一\n二", "a paragraph, which the next one closes"),
    (
        '<div data-style="display:none">一</div><div title="display:none" style="x-display:none">二</div>',
        "一\n二",
        "others",
    ),
    ("一<hr>二", "一\n二", "rules"),
    ("<pre>一\n二\r\n\r\n三</pre>四\n五", "一\n二\n\n三\n四 五", "line ends that are the writer's"),
    (
        '<div style="color:red; White-Space: pre-wrap">一\n<div>二</div>三\n四</div>五\n六',
        "一\n二\n三\n四\n五 六",
        "line ends that count by style",
    ),
    ('<p style="white-space:pre-line">一\n二<p>三\n四', "一\n二\n三 四", "in a paragraph, which the next one closes"),
    ('<span style="white-space: pre">一\n<span>二\n</span>三\n四</span>五\n六', "一\n二\n三\n四五 六", "in a line"),
    (
        '<p style="white-space: nowrap">一\n二</p><div style="x-white-space:pre">三\n四</div>',
        "一 二\n三 四",
        "not these",
    ),
    ("", "", "nothing"),
]


@pytest.mark.parametrize("markup, text", [pytest.param(*case[:2], id=case[2]) for case in CASES])
def test_markup_is_read_as_a_reader_sees_it(markup: str, text: str) -> None:
    assert text_of_html(markup) == text


INDENTED = [
    '<blockquote style="margin:0 0 0 40px;border:none;padding:0px">',
    "<blockquote style='margin: 0px 0px 0px 40px; border: none; padding: 0px;' dir=auto>",
]


@pytest.mark.parametrize("opens", INDENTED)
def test_what_is_indented_is_no_quote(opens: str) -> None:
    markup = f"<div>问题</div>{opens}<div>慢</div>{opens}<div>破</div></blockquote></blockquote><blockquote>您好</blockquote>请处理"
    assert text_of_html(markup, quotes=True) == "问题\n慢\n破\n> 您好\n请处理"
    within = f"<blockquote type=cite>您好{opens}一</blockquote>二</blockquote>三"
    assert text_of_html(within, quotes=True) == "> 您好\n> 一\n> 二\n三"


def test_lines_of_quotes_are_marked_where_that_is_asked_for() -> None:
    markup = "好<blockquote>一<br>二<blockquote><p>三</p></blockquote></blockquote>评</blockquote>论"
    assert text_of_html(markup, quotes=True) == "好\n> 一\n> 二\n>> 三\n评\n论"


def test_a_rule_is_one_where_quotes_are_marked_and_something_is_below_it() -> None:
    markup = "好<hr>评<hr><hr/><blockquote>一<hr>二</blockquote><hr>"
    assert text_of_html(markup, quotes=True) == "好\n-----\n评\n> 一\n> -----\n> 二"


def test_what_is_left_out_goes_with_all_that_is_in_it() -> None:
    markup = '好<div class="signature"><div>王</div>店</div>评<br class="signature">论<div class="signature"/>完'
    assert text_of_html(markup, is_left_out=lambda tag, said: tag != "br" and "signature" in said) == "好\n评\n论\n完"


@pytest.mark.parametrize(
    "piece",
    [
        "<!--",
        "<a '\"",
        '<a "',
        "<a ",
        "<",
        "<![CDATA[",
        "<script>",
        "<div>",
        "&#",
        "</",
        "<blockquote>",
        "<svg>",
        "<hr>",
        '<div style="display:none">',
        '<b style="display ',
        pytest.param(f"<blockquote style={' ' * 1900}>", id="blanks in a style", marks=pytest.mark.timeout(5)),
    ],
)
def test_hostile_markup_does_not_take_for_ever(piece: str) -> None:
    """Work that grows with the square of the length would run into the time limit of all tests."""
    assert len(text_of_html(piece * (1_000_000 // len(piece)), quotes=True)) < 20_000_000
