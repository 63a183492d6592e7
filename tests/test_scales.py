"""Ratings in surveys: the scale of a question, and what an answer is worth on it."""

import pytest

from feedback.collectors.grades import Grade, does_not_apply, grade_of
from feedback.collectors.scales import Scale, find_scale

READ = [
    (
        Scale("nps", 0, 10),
        {
            "9": "9",
            "9分": "9",
            "9.0": "9",
            "8.5": "8.5",
            "9.2分": "9.2",
            "-1": None,
            "五星": None,
            "１０": "10",
            "10（非常愿意）": "10",
            "11": None,
            "会": None,
        },
    ),
    (Scale("nps", 0, 10, shift=1), {"11": "10", "1": "0"}),  # exported by option number
    (
        Scale("csat", 1, 5),
        {
            "非常满意": "5",
            "很满意": "5",
            "满意": "4",
            "比较满意": "4",
            "一般": "3",
            "不太满意": "2",
            "很不满意": "1",
            "5非常满意": "5",
        },
    ),
    (
        Scale("csat", 1, 7),
        {
            "非常满意": "7",
            "满意": "6",
            "比较满意": "5",
            "一般": "4",
            "有点不满意": "3",
            "不满意": "2",
            "非常不满意": "1",
        },
    ),
    (Scale("ces", 1, 5), {"非常容易": "5", "有点费力": "2", "非常困难": "1", "看情况": None, "6": None}),
]


@pytest.mark.parametrize("scale, answers", READ)
def test_answers_are_worth_their_place_on_the_scale(scale: Scale, answers: dict[str, str | None]) -> None:
    values = {answer: score and score.value for answer in answers for score in [scale.read(answer)]}
    assert values == answers


def test_option_numbers_of_an_nps_question_are_shifted_when_an_eleven_gives_them_away() -> None:
    assert find_scale("您会推荐吗", ["11", "8", "10"]) == Scale("nps", 0, 10, shift=1)
    assert find_scale("您会推荐吗", ["10", "8", "0"]) == Scale("nps", 0, 10)


def test_seven_steps_in_words_are_told_from_five() -> None:
    five = find_scale("满意吗", ["非常满意", "满意", "一般", "不满意", "非常不满意"])
    seven = find_scale("满意吗", ["非常满意", "满意", "比较满意", "一般"])
    assert (five and five.high, seven and seven.high) == (5, 7)


STEPS = {
    Grade(
        1, 3
    ): "非常满意 满意极了 太满意了 强烈同意 优秀 😀非常满意 五星（非常满意） 没有，都很满意 一点都不难 毫不费力 毫无困难 没有任何困难 完全没有困难 A.非常满意 很满意（谢谢）",
    Grade(
        1, 2
    ): "满意 不难 不费劲 不费力 没有困难 没什么困难 不差 不错 相当满意 满意，谢谢 B满意 2、满意 满意，送货快 服务满意 良好",
    Grade(1, 1): "比较满意 较为满意 基本满意 还算满意 还不错 还好 不太难 不怎么麻烦 没有那么难 不是不满意",
    Grade(
        0, 1
    ): "一般 还行吧 一般满意 满意度一般 不好不坏 不好也不差 既不容易也不困难 既不满意也不不满意 谈不上满意也谈不上不满意",
    Grade(-1, 1): "不太满意 不是很满意 不怎么满意 不够满意 不算满意 谈不上满意 不十分满意 有点不满意 有一点难 较差",
    Grade(-1, 2): "不满意 并不满意 不容易 费力 麻烦 困难 差",
    Grade(-1, 3): "非常不满意 很不满意 一点也不满意 根本不满意 太不方便了 好麻烦 最不满意 极差",
    # Nobody can tell, so nothing is guessed.
    None: "看情况 送货快，满意 信号差 差不多 不好说 好不容易 满意又麻烦 满意和不满意各半 一般都满意 满意,非常满意 没有 无 不确定 一般不满意",
}


@pytest.mark.parametrize("grade, answers", STEPS.items(), ids=map(str, STEPS))
def test_an_answer_in_words_is_the_step_that_it_says_or_none(grade: Grade | None, answers: str) -> None:
    assert {answer: grade_of(answer) for answer in answers.split()} == dict.fromkeys(answers.split(), grade)


def test_words_with_a_remark_that_nobody_else_gave_are_kept_as_words() -> None:
    own = [f"满意，{what}不错" for what in ("位置", "灯光", "座位", "音乐", "茶水", "点心", "店员", "停车")]
    assert find_scale("您满意吗", ["满意"] * 10 + own) is None
    assert find_scale("您满意吗", ["满意，送货快", "一般，有点慢"] * 10) is not None


def test_a_few_numbers_beside_contrary_words_do_not_turn_the_scale() -> None:
    scale = find_scale("您满意吗", ["5（非常满意）", "1（非常不满意）", "4", "1（满意）"] * 5)
    assert scale is not None
    assert [score and score.value for score in map(scale.read, ("4", "5（非常满意）"))] == ["4", "5"]


def test_words_are_worth_nothing_on_a_scale_of_numbers_that_has_no_words() -> None:
    scale = find_scale("您满意吗", ["10", "9", "3", "非常满意"] * 5)
    assert scale is not None
    assert (scale.high, scale.read("非常满意")) == (10, None)


def test_words_that_are_no_step_make_no_scale() -> None:
    assert find_scale("哪里让您不满意", ["信号差", "电池不好", "拍照很差", "很难用"] * 5) is None


NOT_APPLICABLE = "未使用过 不清楚 不适用 不了解 没接触过 没用过 N/A 从未使用 没有使用过该功能 F.未使用过 6、不适用 0（未使用） 不清楚/未使用 未去过门店 说不清"
APPLICABLE = "没有 无 不确定 不满意 没遇到过 没有困难 一般 没用过这么好的 不清楚怎么退款 不好用"


def test_an_option_that_says_that_nothing_was_met_is_told_from_steps_and_words() -> None:
    said = {answer: does_not_apply(answer) for answer in (*NOT_APPLICABLE.split(), *APPLICABLE.split())}
    assert said == dict.fromkeys(NOT_APPLICABLE.split(), True) | dict.fromkeys(APPLICABLE.split(), False)


@pytest.mark.parametrize("answer", ["未使用过", "6、不适用"])
def test_what_does_not_apply_counts_neither_for_a_scale_nor_against_it(answer: str) -> None:
    scale = find_scale("您对售后服务满意吗", ["非常满意", "满意", "一般"] + [answer] * 7)
    assert scale is not None
    assert (scale.metric, scale.high, scale.read(answer)) == ("csat", 5, None)
    assert find_scale("您对售后服务满意吗", [answer] * 7) is None


def test_numbers_are_read_as_they_are_written() -> None:
    half = find_scale("您对本次服务满意吗", ["4.5", "3.5分", "1.0"])
    tenth = find_scale("请打分（1-10）", ["8.5", "9.2", "7"])
    assert half is not None
    assert tenth is not None
    assert [score and score.value for score in map(half.read, ("4.5", "3.5分", "1.0", "4/5"))] == [
        "4.5",
        "3.5",
        "1",
        "4",
    ]
    assert [score and score.value for score in map(tenth.read, ("8.5", "9.2"))] == ["8.5", "9.2"]


@pytest.mark.parametrize(
    "answers",
    [
        {"★★★★☆": "4", "★★★★★": "5", "★☆☆☆☆": "1"},
        {"五星": "5", "四星半": "4.5", "三星": "3", "一星": "1"},
        {"⭐⭐⭐⭐": "4", "⭐": "1"},
        {"5星": "5", "4颗星": "4"},
    ],
)
def test_stars_that_are_drawn_or_in_words_are_read_as_in_tables(answers: dict[str, str]) -> None:
    for wording, expected in (("请给产品打几星", Scale("star", 1, 5)), ("您对服务满意吗", Scale("csat", 1, 5))):
        scale = find_scale(wording, list(answers) * 5)
        assert scale == expected
        assert {answer: score and score.value for answer in answers for score in [scale.read(answer)]} == answers


@pytest.mark.parametrize(
    "wording, values",
    [
        ("您对服务满意(价格)", ["0", "1"]),  # options that were ticked
        ("您最满意的方面(价格)", ["0", "1", "5"]),
        ("您方便的取件方式", ["1", "2", "3"]),
        ("您满意的价格区间（元）", ["1", "5", "10"]),
        ("您向几位朋友推荐过我们", ["0", "3", "6"]),
        ("您推荐过多少人", ["0", "3", "6"]),
        ("您是否愿意推荐", ["1", "2"]),
        ("您愿意推荐吗（1愿意 2不愿意）", ["1", "2"]),
    ],
)
def test_numbers_of_options_and_counts_are_no_rating(wording: str, values: list[str]) -> None:
    assert (find_scale(wording, values * 3), find_scale(wording, values * 20)) == (None, None)


@pytest.mark.parametrize(
    "wording, metric",
    [
        ("您对我们方便的取件方式满意吗", "csat"),
        ("您满意的程度", "csat"),
        ("办理是方便的吗", "ces"),
        ("您打几分", "star"),
        ("您推荐的可能性", "nps"),
        ("您是否愿意推荐", "nps"),
    ],
)
def test_a_question_that_asks_how_good_it_is_is_a_rating_still(wording: str, metric: str) -> None:
    scale = find_scale(wording, ["3", "5", "4", "7"])
    assert (scale and scale.metric) == metric


def test_a_scale_that_the_wording_states_holds_answers_at_its_end_alone() -> None:
    assert find_scale("您会推荐吗（0-10）", ["0", "1"] * 20) == Scale("nps", 0, 10)
    assert find_scale("您会推荐吗（0-10）", ["0", "1"] * 20, "nps") == Scale("nps", 0, 10)


@pytest.mark.parametrize("wording", ["您会推荐吗(0-10)", "您会推荐吗"])
@pytest.mark.parametrize("odd", ["非常愿意", "100", "12"])
def test_one_odd_answer_takes_no_other_away(wording: str, odd: str) -> None:
    scale = find_scale(wording, [*map(str, range(11)), *map(str, range(11)), odd])
    assert scale == Scale("nps", 0, 10)
    assert scale.read(odd) is None


def test_an_eleven_beside_a_zero_is_an_odd_answer() -> None:
    assert find_scale("您会推荐吗", [*map(str, range(12))] * 3) == Scale("nps", 0, 10)


def test_one_number_that_is_on_no_scale_lengthens_none() -> None:
    assert find_scale("您满意吗", ["1", "3", "5", "4"] * 10 + ["100"]) == Scale("csat", 1, 5)


def test_of_few_people_all_may_be_at_one_end() -> None:
    assert find_scale("您满意吗", ["1", "1"]) == Scale("csat", 1, 5)
    assert find_scale("您满意吗", ["1"] * 20) is None
