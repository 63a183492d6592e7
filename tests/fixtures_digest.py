"""Digests to render: a full one with a story in it, a tiny one, an empty one, a hostile one. All of it is made up."""

from dataclasses import replace
from math import sqrt

from feedback.journey.model import (
    AspectFinding,
    Change,
    ChannelCount,
    ChannelView,
    Digest,
    Disagreement,
    Overview,
    Parameters,
    Period,
    Quote,
    ScoreCard,
    StageFinding,
    Tally,
)

WEEK = Period("week", "2026-02-23", "2026-03-02")
WEEK_BEFORE = Period("week", "2026-02-16", "2026-02-23")
PARAMETERS = Parameters(WEEK, WEEK_BEFORE, "Asia/Shanghai", last_verbatim_id=4312, pipeline_version="fast-3f9a1c07")
NOTHING = Tally(0, 0, 0, 0, 0, None, None, None)


def tally(positive: int, neutral: int, negative: int, copies: int = 0) -> Tally:
    """With an interval good enough to draw; what a real one is made of is `feedback.journey.stats`' business."""
    n = positive + neutral + negative
    if n == 0:
        return replace(NOTHING, raw=copies)
    net = (positive - negative) / n
    reach = 1.96 * sqrt(max((positive + negative) / n - net * net, 1 / n) / n)
    low, high = max(-1.0, net - reach), min(1.0, net + reach)
    return Tally(n + copies, n, positive, neutral, negative, round(net, 6), round(low, 6), round(high, 6))


def quote(number: int, text: str, channel: str = "京东", posted_at: str | None = "2026-02-25T04:10:00Z") -> Quote:
    return Quote(number, number * 3, text, channel, "晨雾手摇磨豆机" if number % 2 else None, posted_at)


def aspect(name: str, stage: str, now: Tally, before: Tally | None, quotes: tuple[Quote, ...]) -> AspectFinding:
    return AspectFinding(name, stage, now, before, 0.12, quotes, tuple(range(1000, 1000 + now.effective)))


def stage(key: str, now: Tally, before: Tally | None, shares: tuple[float, float | None]) -> StageFinding:
    return StageFinding(key, now, shares[0], before, shares[1], (), (), tuple(range(1, now.effective + 1)))


SLOW = (
    quote(3301, "等了六天才到，物流信息三天没更新", "京东", "2026-02-26T13:40:00Z"),
    quote(3318, "换了家快递以后慢了一倍都不止", "天猫", "2026-02-24T02:05:00Z"),
    quote(3344, "催了两次客服才说还在中转站", "企业微信", "2026-02-28T16:30:00Z"),
)
BROKEN = (
    quote(3302, "箱子压扁了，玻璃壶碎了一角", "京东", "2026-02-27T01:00:00Z"),
    quote(3329, "外包装破了个洞，里面就一层薄气泡膜", "天猫", "2026-02-23T09:00:00Z"),
    quote(3350, "包装太单薄，寄到就是碎的", "小红书", None),
)
QUIET = (
    quote(3303, "新批次声音小多了，早上磨豆不怕吵醒孩子", "天猫"),
    quote(3331, "这批不漏粉了，之前那台漏一桌子", "京东"),
)
TASTE = (
    quote(3305, "萃取很稳，酸甜平衡，出品比楼下咖啡馆好", "小红书"),
    quote(3333, "研磨均匀，手冲很干净", "京东"),
    quote(3360, "风味层次出来了", "问卷"),
)
LONG = quote(
    3377,
    "我是上个月在直播间看到下的单，当时主播说第二天就发货，结果等了五天才显示揽收。" * 3
    + "打开的时候发现赠送的滤纸没有放，问客服说是仓库漏发，要我自己再拍一单补邮费，这个处理方式我不能接受。" * 2,
    "企业微信",
)


def sample_digest() -> Digest:
    """A week in which deliveries got worse and the noise of a grinder was fixed."""
    purchase = replace(
        stage("purchase", tally(30, 22, 84, 5), tally(62, 20, 31, 2), (0.190503, 0.164724)),
        pain_points=(
            aspect("物流", "purchase", tally(6, 8, 52), tally(24, 8, 12), SLOW),
            aspect("包装", "purchase", tally(3, 2, 19), tally(11, 3, 9), BROKEN),
        ),
        highlights=(aspect("下单流程", "purchase", tally(12, 2, 1), tally(9, 3, 2), (quote(3361, "付款很顺"),)),),
    )
    hard_to_clean = (quote(3362, "刀盘难拆，很难洗"),)
    engagement = replace(
        stage("engagement", tally(231, 52, 49, 8), tally(188, 60, 82, 8), (0.465035, 0.48105)),
        pain_points=(aspect("清洁", "engagement", tally(4, 3, 11), tally(5, 4, 9), hard_to_clean),),
        highlights=(
            aspect("口感风味", "engagement", tally(96, 12, 7), tally(88, 14, 9), TASTE),
            aspect("噪音", "engagement", tally(31, 6, 4), tally(6, 8, 29), QUIET),
        ),
    )
    after = replace(
        stage("post_purchase", tally(21, 18, 34), tally(24, 16, 30), (0.102241, 0.102041)),
        pain_points=(aspect("客服响应", "post_purchase", tally(9, 7, 21), tally(10, 6, 20), (LONG, SLOW[2])),),
    )
    undetermined = replace(
        stage("none", tally(64, 22, 13), tally(70, 30, 14), (0.138655, 0.16618)),
        highlights=(aspect("品牌", "none", tally(14, 2, 1), tally(13, 1, 1), (quote(3363, "一如既往地好"),)),),
    )
    stages = (
        stage("awareness", tally(14, 9, 2), tally(12, 8, 3), (0.035014, 0.033528)),
        stage("consideration", tally(22, 14, 8), tally(16, 12, 8), (0.061625, 0.052478)),
        engagement,
        purchase,
        after,
        stage("loyalty", NOTHING, tally(0, 0, 0), (0.0, 0.0)),
        undetermined,
    )
    changes = (
        _change("aspect", "噪音", "engagement", (-0.534884, 0.658537), (0.93, 1.43), (43, 41), QUIET),
        _change("aspect", "物流", "purchase", (0.272727, -0.69697), (-1.22, -0.71), (44, 66), SLOW),
        _change("stage", "purchase", "purchase", (0.274336, -0.397059), (-0.87, -0.46), (113, 136), BROKEN),
        _change("aspect", "物流", "purchase", (0.0641, 0.0924), (0.004, 0.052), (44, 66), SLOW[:1], "share"),
    )
    return Digest(
        project="晨雾咖啡器具",
        generated_at="2026-03-02T00:30:00Z",
        product_version="0.1.0",
        parameters=PARAMETERS,
        overview=_overview(),
        scores=(
            ScoreCard("nps", 0, 10, 31.25, 18.4, 44.1, 112, 38.0, 104, tuple(range(1, 113))),
            ScoreCard("csat", 1, 5, 82.5, 74.4, 88.4, 114, None, 0, tuple(range(1, 115))),
            ScoreCard("star", 1, 5, 4.213, 4.09, 4.336, 268, 4.402, 251, tuple(range(1, 269))),
            ScoreCard("ces", 1, 7, 5.1, 4.2, 6.0, 12, 5.3, 15, tuple(range(1, 13))),
        ),
        stages=stages,
        changes=changes,
        disagreements=(
            Disagreement(
                "客服响应",
                ChannelView("问卷", tally(14, 3, 2), tuple(range(1, 20))),
                ChannelView("企业微信", tally(3, 6, 27), tuple(range(20, 56))),
                1.298246,
                0.99,
                1.61,
            ),
        ),
    )


def _change(
    subject: str,
    name: str,
    stage: str,
    values: tuple[float, float],
    interval: tuple[float, float],
    counts: tuple[int, int],
    quotes: tuple[Quote, ...],
    measure: str = "net",
) -> Change:
    before, now = values
    return Change(
        subject="stage" if subject == "stage" else "aspect",
        name=name,
        stage=stage,
        measure="share" if measure == "share" else "net",
        before=before,
        now=now,
        difference=round(now - before, 6),
        low=interval[0],
        high=interval[1],
        n_before=counts[0],
        n_now=counts[1],
        quotes=quotes,
        evidence=tuple(range(500, 500 + counts[1])),
        previous_evidence=tuple(range(100, 100 + counts[0])),
    )


def _overview() -> Overview:
    return Overview(
        verbatims_raw=512,
        verbatims_effective=470,
        previous_verbatims_raw=451,
        previous_verbatims_effective=422,
        context_turns=1286,
        duplicates=17,
        noise={"company_reply": 0, "copied_template": 6, "default_review": 15, "no_text": 4},
        unknown_dates=3,
        not_analyzed=2,
        failed=1,
        channels=(
            ChannelCount("京东", "review", 181, 165),
            ChannelCount("天猫", "review", 142, 128),
            ChannelCount("企业微信", "chat", 103, 101),
            ChannelCount("问卷", "survey", 50, 44),
            ChannelCount("小红书", "post", 36, 32),
        ),
        tally=tally(382, 137, 190, 13),
        previous=tally(372, 146, 168, 10),
    )


def tiny_digest() -> Digest:
    """Three verbatims, one pain point, nothing before them to compare with."""
    quotes = (quote(1, "快递太慢"), quote(2, "三天没动静", "tmall"))
    purchase = replace(
        stage("purchase", tally(0, 0, 2), None, (0.666667, None)),
        pain_points=(aspect("物流", "purchase", tally(0, 0, 2), None, quotes),),
    )
    praise = stage("none", tally(1, 0, 0), None, (0.333333, None))
    overview = Overview(
        verbatims_raw=4,
        verbatims_effective=3,
        previous_verbatims_raw=0,
        previous_verbatims_effective=0,
        context_turns=1,
        duplicates=1,
        noise={},
        unknown_dates=0,
        not_analyzed=0,
        failed=0,
        channels=(ChannelCount("京东", "review", 3, 2), ChannelCount("tmall", "review", 1, 1)),
        tally=tally(1, 0, 2, 1),
        previous=None,
    )
    scores = (ScoreCard("star", 1, 5, 2.333333, 1.0, 4.1, 3, None, 0, (1, 2, 3)),)
    stages = (purchase, praise)
    return Digest("小店", "2026-03-02T00:30:00Z", "0.1.0", PARAMETERS, overview, scores, stages, (), ())


def empty_digest() -> Digest:
    """A week without feedback after one that had some."""
    overview = replace(
        _overview(),
        verbatims_raw=0,
        verbatims_effective=0,
        context_turns=0,
        duplicates=0,
        noise={},
        not_analyzed=0,
        failed=0,
        channels=(),
        tally=NOTHING,
    )
    return replace(sample_digest(), overview=overview, scores=(), stages=(), changes=(), disagreements=())


HOSTILE_TEXTS = (
    '<script>alert("x")</script><img src=https://evil.example/x.png onerror=alert(1)>',
    "# 标题\n> 引用\n- 列表\n\n    代码\n1. 一 | 二 ~~删~~ **粗** `码` [链](https://evil.example) &lt; $x$",
    "哈" * 600 + "https://evil.example/" + "a" * 400,
    "👩‍👩‍👧‍👦" * 60,
    "\x1b[31m红\x07\u202e反转\r\n第二行\x85第三行",
    "",
)


def hostile_digest() -> Digest:
    """The sample with every name and quote written by someone who wants to break out of it."""
    digest = sample_digest()
    evil = "</style><b>|`*x*`\n# 名"
    quotes = tuple(replace(quote(n, text, evil), product=evil) for n, text in enumerate(HOSTILE_TEXTS))
    purchase = replace(
        digest.stages[3],
        pain_points=tuple(replace(f, aspect=evil, quotes=quotes) for f in digest.stages[3].pain_points[:1]),
    )
    best = digest.disagreements[0]
    return replace(
        digest,
        project=evil,
        product_version=evil,
        parameters=replace(PARAMETERS, pipeline_version=evil, channels=(evil,)),
        overview=replace(digest.overview, noise={evil: 2}, channels=(ChannelCount(evil, evil, 3, 2),)),
        scores=tuple(replace(card, metric=evil) for card in digest.scores[:1]),
        stages=(*digest.stages[:3], purchase, *digest.stages[4:]),
        changes=tuple(replace(c, name=evil, quotes=quotes) for c in digest.changes[:1]),
        disagreements=(replace(best, aspect=evil, best=replace(best.best, channel=evil)),),
    )
