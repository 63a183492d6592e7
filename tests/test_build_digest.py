import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from build_project_db import Piece, Said
from story import FAST, LAST_WEEK, PARAMETERS, SLOW, about, digest_of, ids, story, story_project

from feedback.errors import DigestError
from feedback.journey.build import build_digest
from feedback.journey.model import (
    AspectFinding,
    Change,
    ChannelCount,
    ChannelView,
    Disagreement,
    Overview,
    Parameters,
    Period,
    Quote,
    ScoreCard,
    StageFinding,
    Tally,
)
from feedback.journey.stats import difference, metric_estimate, net_sentiment, wilson

STAGES = ["awareness", "consideration", "engagement", "purchase", "post_purchase", "loyalty", "none"]
EVERYTHING = Parameters(Period("all", None, None), None, "Asia/Shanghai", 1000, "test-1")


def _tally(raw: int, positive: int, neutral: int, negative: int, effect: float = 1.0) -> Tally:
    n = positive + neutral + negative
    if n == 0:
        return Tally(raw, 0, 0, 0, 0, None, None, None)
    net = net_sentiment(positive, negative, n, effect)
    return Tally(raw, n, positive, neutral, negative, net.value, net.low, net.high)


def _quote(verbatim_id: int, text: str, channel: str = "京东") -> Quote:
    return Quote(verbatim_id, verbatim_id, text, channel, None, "2026-02-25T04:00:00Z")


SLOW_QUOTES = (_quote(1, SLOW[0]), _quote(3, SLOW[2]), _quote(2, SLOW[1]))
SLOW_THIS_WEEK = _tally(13, 2, 0, 10)
FAST_LAST_WEEK = _tally(12, 10, 0, 2)


def test_the_overview_says_what_the_digest_rests_on() -> None:
    overview = digest_of(*story()).overview
    assert replace(overview, tally=SLOW_THIS_WEEK) == Overview(
        verbatims_raw=39,
        verbatims_effective=37,
        previous_verbatims_raw=16,
        previous_verbatims_effective=16,
        context_turns=1,
        duplicates=1,
        noise={"default_review": 1},
        unknown_dates=1,
        not_analyzed=3,
        failed=1,
        channels=(
            ChannelCount("京东", "review", 23, 21),
            ChannelCount("微信", "chat", 8, 8),
            ChannelCount("问卷", "survey", 8, 8),
        ),
        tally=SLOW_THIS_WEEK,
        previous=FAST_LAST_WEEK,
    )
    tally = overview.tally
    assert (tally.raw, tally.effective, tally.positive, tally.neutral, tally.negative) == (37, 35, 15, 2, 18)
    assert tally.net == pytest.approx(-3 / 35)


def test_raw_verbatims_are_the_effective_ones_plus_what_is_left_out() -> None:
    overview = digest_of(
        Said(),
        Said(duplicate_of=1),
        Said(noise="default_review"),
        Said(noise="default_review", duplicate_of=3),
        Said((), noise="no_text"),
        Said(role="agent", noise="company_reply"),
    ).overview
    assert overview.noise == {"default_review": 2, "no_text": 1}
    assert (overview.verbatims_raw, overview.verbatims_effective, overview.duplicates) == (5, 1, 1)
    assert overview.context_turns == 1


def test_the_seven_stages_come_in_journey_order_and_account_for_every_segment() -> None:
    digest = digest_of(*story())
    assert [stage.stage for stage in digest.stages] == STAGES
    assert sum(stage.tally.effective for stage in digest.stages) == digest.overview.tally.effective
    assert sum(stage.share or 0 for stage in digest.stages) == pytest.approx(1)
    assert sorted(i for stage in digest.stages for i in stage.evidence) == [*ids(1, 32), 37, 39, 40]


def test_a_stage_is_told_with_its_pain_points_and_their_typical_quotes() -> None:
    slow = AspectFinding(
        aspect="物流",
        stage="purchase",
        tally=SLOW_THIS_WEEK,
        previous=FAST_LAST_WEEK,
        weight=10 / 12,
        quotes=SLOW_QUOTES,
        evidence=ids(1, 12),
    )
    assert digest_of(*story()).stages[3] == StageFinding(
        stage="purchase",
        tally=SLOW_THIS_WEEK,
        share=12 / 35,
        previous=FAST_LAST_WEEK,
        previous_share=1.0,
        pain_points=(slow,),
        highlights=(),
        evidence=ids(1, 12),
    )


def test_the_undetermined_bucket_is_shown_like_a_stage() -> None:
    bucket = digest_of(*story()).stages[6]
    assert (bucket.stage, bucket.share, bucket.evidence) == ("none", 3 / 35, (37, 39, 40))
    assert (bucket.tally.raw, bucket.tally.positive, bucket.tally.neutral) == (3, 1, 2)


def test_changes_are_those_beyond_chance_the_strongest_first() -> None:
    changes = digest_of(*story()).changes
    assert [(c.subject, c.name, c.stage, c.measure, round(c.difference, 3)) for c in changes] == [
        ("stage", "purchase", "purchase", "share", -0.657),
        ("aspect", "物流", "purchase", "share", -0.657),
        ("stage", "purchase", "purchase", "net", -1.333),
        ("aspect", "物流", "purchase", "net", -1.333),
        ("stage", "post_purchase", "post_purchase", "share", 0.457),
        ("aspect", "客服", "post_purchase", "share", 0.457),
    ]
    moved = difference(net_sentiment(2, 10, 12), net_sentiment(10, 2, 12))
    assert changes[3] == Change(
        subject="aspect",
        name="物流",
        stage="purchase",
        measure="net",
        before=8 / 12,
        now=-8 / 12,
        difference=moved.value,
        low=moved.low,
        high=moved.high,
        n_before=12,
        n_now=12,
        quotes=SLOW_QUOTES,
        evidence=ids(1, 12),
        previous_evidence=ids(41, 52),
    )


def test_what_could_be_chance_is_no_change() -> None:
    now = [Said(about(text, "物流", "negative" if n < 6 else "positive")) for n, text in enumerate(SLOW)]
    before = [
        Said(about(text, "物流", "negative" if n < 4 else "positive"), posted_at=LAST_WEEK)
        for n, text in enumerate(SLOW)
    ]
    assert digest_of(*now, *before).changes == ()


def test_the_more_is_tested_the_more_it_takes_to_be_a_change() -> None:
    def weeks(aspect: str, blamed_now: int, blamed_before: int) -> list[Said]:
        return [
            Said(about("好", aspect, "negative" if n < blamed else "positive", "engagement"), posted_at=day)
            for blamed, day in ((blamed_now, "2026-02-25T04:00:00Z"), (blamed_before, LAST_WEEK))
            for n in range(10)
        ]

    alone = weeks("味道", 8, 3)
    crowd = [said for number in range(40) for said in weeks(f"方面{number}", 5, 5)]
    assert {(c.name, c.measure) for c in digest_of(*alone).changes} == {("engagement", "net"), ("味道", "net")}
    assert digest_of(*alone, *crowd).changes == ()


def test_channels_disagree_when_the_best_and_the_worst_differ_beyond_chance() -> None:
    apart = difference(net_sentiment(8, 0, 8), net_sentiment(0, 8, 8))
    assert digest_of(*story()).disagreements == (
        Disagreement(
            aspect="客服",
            best=ChannelView("问卷", _tally(8, 8, 0, 0), ids(21, 28)),
            worst=ChannelView("微信", _tally(8, 0, 0, 8), ids(13, 20)),
            difference=2.0,
            low=apart.low,
            high=apart.high,
        ),
    )


def test_a_channel_with_too_few_voices_takes_no_part_in_a_disagreement() -> None:
    said = [Said(about("好", "客服", "positive")) for _ in range(40)]
    said += [Said(about("差", "客服", "negative"), channel="微信") for _ in range(4)]
    assert digest_of(*said).disagreements == ()
    assert len(digest_of(*said, said[-1]).disagreements) == 1


def test_scores_follow_their_definitions_and_lead_to_their_verbatims() -> None:
    nps = metric_estimate("nps", [3.0] * 2 + [10.0] * 6, (0.0, 10.0))
    star = metric_estimate("star", [1.0], (1.0, 5.0))
    assert digest_of(*story()).scores == (
        ScoreCard("nps", 0.0, 10.0, 50.0, nps.low, nps.high, 8, 25.0, 4, ids(21, 28)),
        # The platform's default five stars are left out, the copy's one star is not.
        ScoreCard("star", 1.0, 5.0, 1.0, star.low, star.high, 1, None, 0, (34,)),
    )


def test_one_card_per_scale_and_none_where_the_metric_is_not_defined() -> None:
    digest = digest_of(
        Said(
            scores=(("star", 4.0, 1.0, 5.0), ("star", 30.0, 0.0, 50.0), ("nps", 4.0, 1.0, 5.0), ("ces", 6.0, 1.0, 7.0))
        )
    )
    assert [(card.metric, card.scale_high, card.value, card.evidence) for card in digest.scores] == [
        ("ces", 7.0, 6.0, (1,)),
        ("star", 50.0, 30.0, (1,)),
        ("star", 5.0, 4.0, (1,)),
    ]


def test_an_empty_period_is_reported_as_empty() -> None:
    digest = digest_of(Said(role="agent"), Said(posted_at=LAST_WEEK), Said(posted_at=None))
    nothing = Tally(0, 0, 0, 0, 0, None, None, None)
    assert digest.overview == Overview(0, 0, 1, 1, 1, 0, {}, 1, 0, 0, (), nothing, _tally(1, 0, 1, 0))
    assert (digest.scores, digest.stages, digest.changes, digest.disagreements) == ((), (), (), ())


def test_an_empty_database_gives_an_emptydigest_of() -> None:
    digest = digest_of(parameters=EVERYTHING)
    nothing = Tally(0, 0, 0, 0, 0, None, None, None)
    assert digest.overview == Overview(0, 0, 0, 0, 0, 0, {}, 0, 0, 0, (), nothing, None)
    assert digest.stages == ()


def test_feedback_nobody_has_analysed_yet_is_counted_as_such() -> None:
    digest = digest_of(Said(version=None), Said((), version=None, noise="no_text"))
    assert (digest.overview.verbatims_raw, digest.overview.not_analyzed, digest.overview.failed) == (2, 1, 0)
    assert [(stage.stage, stage.share, stage.tally.raw) for stage in digest.stages] == [(s, None, 0) for s in STAGES]


def test_all_time_takes_undated_feedback_and_compares_with_nothing() -> None:
    digest = digest_of(*story(), parameters=EVERYTHING)
    assert digest.overview.verbatims_raw == len(story()) - 1
    assert (digest.overview.previous, digest.stages[3].previous, digest.stages[3].previous_share) == (None, None, None)
    assert digest.stages[3].pain_points[0].previous is None
    assert (digest.changes, digest.overview.previous_verbatims_raw) == ((), 0)


def test_only_the_channels_asked_for_count() -> None:
    digest = digest_of(*story(), parameters=replace(PARAMETERS, channels=("微信",)))
    assert digest.overview.channels == (ChannelCount("微信", "chat", 8, 8),)
    assert (digest.overview.context_turns, digest.overview.unknown_dates, digest.overview.tally.effective) == (1, 0, 8)


def test_rows_collected_later_do_not_count() -> None:
    later = Said(about("快递又慢了", "物流", "negative"))
    early = replace(PARAMETERS, last_verbatim_id=len(story()))
    assert digest_of(*story(), later, parameters=early) == digest_of(*story(), parameters=early)


def test_a_segments_praise_and_blame_of_one_aspect_is_neutral_and_counts_once() -> None:
    mixed = Piece("快递快是快就是破了", "purchase", "neutral", (("物流", "positive"), ("物流", "negative")))
    twice = Piece("慢，太慢", "purchase", "negative", (("物流", "negative"), ("物流", "negative")))
    leaning = Piece("快递到了，还挺快", "purchase", "positive", (("物流", "neutral"), ("物流", "positive")))
    said = [Said((piece,)) for piece in (mixed, twice, leaning)] * 3
    (pain,) = digest_of(*said).stages[3].pain_points
    assert pain.tally == _tally(9, 3, 3, 3)
    assert pain.evidence == ids(1, 9)


PAIN_CASES = [
    # positive, neutral, negative: pain point? highlight?
    ((0, 2, 3), True, False),
    ((0, 3, 2), False, False),  # two voices are an anecdote
    ((7, 0, 3), False, True),  # three of ten may be chance
    ((60, 0, 40), True, True),  # loved by many, and blamed by three in ten beyond doubt
    ((8, 0, 3), False, True),
    ((3, 0, 1), False, False),  # fewer than minimum_n
    ((3, 0, 3), True, False),
    ((2, 20, 3), True, False),  # more blame than praise, though most are indifferent
]


@pytest.mark.parametrize("counts, pain_point, highlight", PAIN_CASES)
def test_what_makes_a_pain_point_and_a_highlight(
    counts: tuple[int, int, int], pain_point: bool, highlight: bool
) -> None:
    polarities = ("positive", "neutral", "negative")
    said = [Said(about("话", "味道", p)) for p, count in zip(polarities, counts, strict=True) for _ in range(count)]
    stage = digest_of(*said).stages[3]
    assert (bool(stage.pain_points), bool(stage.highlights)) == (pain_point, highlight)


def test_five_aspects_are_listed_the_heaviest_first_then_the_most_named_then_by_name() -> None:
    counts = {"甲": (0, 5), "乙": (1, 5), "丙": (0, 7), "丁": (0, 5), "戊": (0, 6), "己": (0, 5)}
    said = []
    for aspect, (praise, blame) in counts.items():
        said += [Said(about("好", aspect, "positive")) for _ in range(praise)]
        said += [Said(about("差", aspect, "negative")) for _ in range(blame)]
    found = digest_of(*said).stages[3].pain_points
    assert [(f.aspect, round(f.weight, 4)) for f in found] == [
        ("丙", round(7 / 34, 4)),
        ("戊", round(6 / 34, 4)),
        ("乙", round(5 / 34, 4)),
        ("丁", round(5 / 34, 4)),
        ("己", round(5 / 34, 4)),
    ]


def test_segments_of_one_verbatim_widen_the_interval() -> None:
    one_voice = Said(tuple(piece for _ in range(3) for piece in about("差", "味道", "negative")))
    other = Said(tuple(piece for _ in range(3) for piece in about("好", "味道", "positive")))
    digest = digest_of(*[one_voice] * 5, *[other] * 5)
    assert digest.overview.tally == _tally(30, 15, 0, 15, effect=3.0)


def test_a_customers_turns_in_one_conversation_widen_it_as_much() -> None:
    turns = [
        Said(about("话", "味道", polarity), kind="chat", channel="微信", conversation_id=f"{polarity} {number}")
        for polarity in ("positive", "negative")
        for number in range(5)
        for _ in range(3)
    ]
    assert digest_of(*turns).overview.tally == _tally(30, 15, 0, 15, effect=3.0)


def test_the_same_database_gives_the_samedigest_of() -> None:
    assert digest_of(*story()) == digest_of(*story())


@pytest.mark.parametrize(
    "piece, message",
    [
        (Piece("话", "checkout"), "Segment 1 has the stage 'checkout', which no digest knows."),
        (
            Piece("话", "none", "neutral", (("味道", "mixed"),)),
            "Segment 1 has the sentiment 'mixed', which no digest knows.",
        ),
    ],
)
def test_a_mark_no_digest_knows_is_named(piece: Piece, message: str) -> None:
    with pytest.raises(DigestError) as refused:
        digest_of(Said((piece,)))
    assert str(refused.value) == message


def test_building_needs_no_write_access(tmp_path: Path) -> None:
    path = tmp_path / "feedback.db"
    copy = sqlite3.connect(path)
    story_project().backup(copy)
    copy.close()
    reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    assert build_digest(reader, PARAMETERS, "", "", "") == build_digest(story_project(), PARAMETERS, "", "", "")
    reader.close()


def test_shares_are_bounded_by_wilson_when_nobody_said_more_than_one_thing() -> None:
    said = [Said(about("好", "味道", "positive", "engagement")) for _ in range(10)]
    said += [Said(about("好", "味道", "positive", "engagement"), posted_at=LAST_WEEK) for _ in range(10)]
    said += [Said(about(text, "物流", "positive"), posted_at=LAST_WEEK) for text in FAST * 10]
    change = next(c for c in digest_of(*said).changes if (c.name, c.measure) == ("purchase", "share"))
    moved = difference(wilson(0, 10), wilson(20, 30))
    assert (change.difference, change.low, change.high) == (moved.value, moved.low, moved.high)
    assert (change.n_now, change.n_before, change.quotes, change.evidence) == (10, 30, (), ())
