"""What surveys ask for, and what steps in words are worth: all rules judged together, on `cases/survey_questions.jsonl`
(how a question with such answers is taken) and `cases/rating_scales.jsonl` (what each answer is worth). All of it is made up."""

import json
from pathlib import Path

import pytest

from feedback.collectors.scales import find_scale
from feedback.collectors.survey import classify

CASES = Path(__file__).parent / "cases"
QUESTIONS = [json.loads(line) for line in (CASES / "survey_questions.jsonl").read_text(encoding="utf-8").splitlines()]
SCALES = [json.loads(line) for line in (CASES / "rating_scales.jsonl").read_text(encoding="utf-8").splitlines()]

PHONE = "13800000001"
NAMES = ["王小明", "李小红", "赵女士", "钱先生", "孙小美", "周杰", "吴用", "郑爽"]
LETTERS = [f"第{n}次退款一直没有到账，已经等了半个多月了" for n in range(20)]
COMPLAINTS = [
    *("屏幕太小了，看不清楚", "电池不耐用，一天要充两次", "拍照好看", "老是打不通，等了半小时", "没有"),
    *("信号不好", "系统卡顿，经常死机", "很好用", "希望多出一些颜色"),
]
REMARKS = [
    *(
        "态度差",
        "等太久了 13800000001",
        "包装全破了",
        "太慢",
        "多一些优惠券 13800000002",
        "味道偏咸",
        "挺好的",
        "不回消息",
    ),
    *("停车位太少", "价格偏贵 13800000003"),
]
ADDRESSES = [
    *("杭州市西湖区翠苑三区12幢301，13800000001", "阳光花园3栋1502 13800000002", "王小明 13800000003 望京西园四区"),
    "13800000004",
]
ANSWERS = {
    "none": [],
    "remarks": REMARKS,
    "addresses and phones": ADDRESSES,
    "names and phones": ["王小明 13800000001", "李小红，13800000002", "赵女士", "13800000003"],
    "names": NAMES,
    "places": ["阳光花园3栋1502", "望京西园四区", "科技园南区", "张江", "绿地中央广场", "保密"],
    "birthdays": ["5月3日", "1990年5月3日", "十月一日", "3月8号", "腊月初八"],
    "handles": ["lovemei", "xiaozhang", "sunny", "tomcat", "flower", "qqq"],
    "phones": [PHONE, "138 0000 0002", "无", "13800000003"],
    "codes": ["1234", "021X", "5678"],
    "mails": ["a@example.com", "b@example.com", "无"],
    "orders": ["202603010001", "123456789012", "无"],
    "letters": LETTERS,
    "letters and a phone": [*LETTERS, PHONE],
    "complaints": COMPLAINTS,
    "praise and complaints": ["没有不满意", "都很满意", "没有", "挺好的"] * 20
    + ["等了半小时没人理", "杯子漏水", "客服不回消息", "包装破了"],
    "views": ["好听好记", "小满", "有点土", "青柠之约"],
    "yes or no": ["有", "没有"] * 20,
    "models": ["一代", "二代", "三代"] * 10,
}


def test_there_are_enough_cases_on_both_sides() -> None:
    kept = sum(case["is"] != "contact" for case in QUESTIONS)
    assert (len(QUESTIONS) >= 100, kept >= 50, len(SCALES) >= 60) == (True, True, True)


@pytest.mark.parametrize("case", QUESTIONS, ids=lambda case: f"{case['wording']} {case['answers']}")
def test_a_question_is_taken_for_what_it_asks(case: dict[str, str]) -> None:
    assert classify(case["wording"], ANSWERS[case["answers"]]) == (case["is"], None), case["why"]


@pytest.mark.parametrize("case", SCALES, ids=lambda case: f"{case['wording']} {' '.join(case['answers'])}")
def test_the_steps_of_a_question_are_worth_what_their_order_says(case: dict[str, object]) -> None:
    answers = case["answers"]
    assert isinstance(answers, dict)
    scale = find_scale(str(case["wording"]), list(answers) * 6)
    found = (
        scale and scale.metric,
        {answer: scale and (score := scale.read(answer)) and score.value for answer in answers},
    )
    assert found == (case["metric"], {answer: value and str(value) for answer, value in answers.items()}), case["why"]
    assert scale is None or (scale.low, scale.high) == (1, case["high"])
