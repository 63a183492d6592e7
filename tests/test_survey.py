"""Surveys: what each column is, what a rating is worth, and what becomes of a response."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from feedback.collectors.base import Part, RawScore, Record, SourceConfig, Withdrawn
from feedback.collectors.layout import builtin_layouts, parse_layout
from feedback.collectors.survey import classify, find_questions, is_no_answer, response_id, wording_key
from feedback.collectors.table import TableCollector
from storage.records import Rates

PAYLOADS = Path(__file__).parent / "payloads" / "table"
WORDS = [
    "发货太慢了",
    "客服态度很好，会再来",
    "没什么",
    "希望多出小包装",
    "包装破了",
    "磨豆机噪音大",
    "挺好的",
    "价格偏高",
    "咖啡豆不新鲜",
]


def survey_record(location: str, number: int, moment: str, took: int, raw_date: str, **rest: object) -> Record:
    response = f"{number}-{moment}-{took}"
    asked = rest.get("question")
    key = f"/{wording_key(str(asked))}{rest.pop('blank', '')}" if asked else ""
    fields: dict[str, object] = {"text": "", "kind": "survey", "channel": "问卷", "location": location}
    fields |= {"source_id": response + key, "conversation_id": response, "posted_at": raw_date, **rest}
    fields |= {"shared": asked is not None, "rates": None if asked else TOLD}
    return Record(**fields)  # type: ignore[arg-type]


LIKELY, PLEASED, EASY = map(
    wording_key,
    ("您有多大可能向朋友推荐青禾？(0-10分)", "您对最近一次购物满意吗？", "您觉得解决问题有多容易？(1-7分)"),
)


# The ratings that the export tells, and that what the layout skips is none.
TOLD: Rates = {LIKELY: "nps", PLEASED: "csat", EASY: "ces", wording_key("来源"): None, wording_key("来源详情"): None}


def nps(value: str) -> RawScore:
    return RawScore("nps", value, 0, 10, LIKELY)


def csat(value: str) -> RawScore:
    return RawScore("csat", value, 1, 5, PLEASED)


def ces(value: str) -> RawScore:
    return RawScore("ces", value, 1, 7, EASY)


def test_an_export_of_wjx_in_gbk_becomes_one_record_per_answer_in_words() -> None:
    path = PAYLOADS / "wjx_text.csv"
    found = list(TableCollector().collect(Part("wjx_text.csv", path), SourceConfig("q", "table")))
    first = {"number": 1, "moment": "202602091200", "took": 35, "raw_date": "2026/2/9 12:00:00", "region": "广东-深圳"}
    second = {"number": 2, "moment": "202602091230", "took": 48, "raw_date": "2026/2/9 12:30:00", "region": "北京-北京"}
    third = {"number": 3, "moment": "202602100815", "took": 20, "raw_date": "2026/2/10 08:15:20"}
    fourth = {"number": 4, "moment": "202602100900", "took": 15, "raw_date": "2026/2/10 09:00:00"}
    fifth = {"number": 5, "moment": "202602112100", "took": 61, "raw_date": "2026/2/11 21:00:00", "region": "广东-广州"}
    why = {"turn": 5, "question": "您给分的原因"}
    better = {"turn": 6, "question": "您希望我们改进什么"}
    where = {"turn": 4, "question": "您从哪里知道我们？", "blank": "+1"}
    assert found == [
        survey_record("wjx_text.csv:2", **first, scores=(nps("9"), csat("4"), ces("6"))),
        survey_record("wjx_text.csv:2", **first, **why, text="豆子新鲜，\n磨豆机也好用"),
        survey_record("wjx_text.csv:2", **first, **better, text="发货再快一点"),
        survey_record("wjx_text.csv:4", **second, scores=(nps("3"), csat("2"), ces("2"))),
        survey_record("wjx_text.csv:4", **second, **why, text="杯盖漏水"),
        # Chosen options are the survey's words; what was written into the blank of one is the customer's.
        survey_record("wjx_text.csv:5", **third, scores=(nps("10"), csat("5"), ces("7"))),
        survey_record("wjx_text.csv:5", **third, **where, text="公司楼下的快闪店"),
        survey_record("wjx_text.csv:6", **fourth),
        Withdrawn("4-202602100900-15", "wjx_text.csv:6", for_good=False, rates=TOLD),
        survey_record(
            "wjx_text.csv:7", **fifth, scores=(nps("7"), csat("3")), problems=("ces score can't be read: 四",)
        ),
        survey_record("wjx_text.csv:7", **fifth, **why, text="还行吧"),
        survey_record("wjx_text.csv:7", **fifth, **better, text='包装太简陋，"送人拿不出手"'),
    ]


CLASSIFIED = [
    # wording, answers, type, (metric, low, high)
    ("您有多大可能向朋友推荐我们", ["9", "10", "0", "7"], "score", ("nps", 0, 10)),
    ("您愿意推荐吗", ["9分", "10分", "8分"], "score", ("nps", 0, 10)),
    ("NPS", ["10（非常愿意）", "0（完全不愿意）"], "score", ("nps", 0, 10)),
    ("您愿意推荐吗（1-5分）", ["5", "4", "5"], "choice", None),  # a rating, but no NPS
    ("不推荐的原因", WORDS, "open", None),
    ("您会推荐给谁", ["朋友", "家人", "朋友", "同事"] * 5, "choice", None),
    ("您对本次服务满意吗", ["非常满意", "一般", "很不满意", "满意"], "score", ("csat", 1, 5)),
    ("满意度（1～7分）", ["7", "3"], "score", ("csat", 1, 7)),
    ("总体满意度打分", ["9", "10", "8"], "score", ("csat", 1, 10)),
    ("哪里不满意", WORDS, "open", None),
    # What was good or bad is no step of a scale, however short.
    ("哪里让您不满意", ["信号差", "电池不好", "拍照很差", "续航差", "音质不好"], "open", None),
    ("解决问题是否容易（1分=非常困难，7分=非常容易）", ["6", "2"], "score", ("ces", 1, 7)),
    ("办理退货费力吗", ["非常费力", "有点费力", "容易", "一般"], "score", ("ces", 1, 5)),
    ("给客服打几分", ["5", "4", "5"], "score", ("star", 1, 5)),
    ("门店星级", ["4星", "5星"], "score", ("star", 1, 5)),
    ("您从哪里知道我们", ["朋友推荐┋小红书", "小红书", "直播间", "其他"], "choice", None),
    ("请排序", ["价格→质量→服务", "质量→价格→服务"], "choice", None),
    ("您的年龄", ["18", "34", "27", "41", "52", "19", "23", "66"], "choice", None),
    ("您的性别", ["男", "女", "女", "女"] * 5, "choice", None),
    ("您的手机号", ["13800000001", "13800000002"] * 9, "contact", None),
    ("姓名", ["王小明", "李小红", "赵小刚"] * 5, "contact", None),
    ("您还有什么建议", ["无", "没有"], "open", None),
    ("购买的原因", ["便宜", "好用", "好看", "便宜"] * 20, "choice", None),  # options, though it asks why
    ("其他[填空题]", ["是", "否"] * 20, "open", None),
    ("说说感受[单选题]", WORDS, "choice", None),
    ("最想要的功能", WORDS, "open", None),
    ("您的建议", [], "open", None),
    ("上传图片", [f"https://alifile.sojump.cn/x{n}.jpg" for n in range(30)], "choice", None),
    (
        "您的建议（可传图）",
        [f"https://a.example/{n}.jpg┋https://a.example/{n}b.jpg" for n in range(30)],
        "choice",
        None,
    ),
    ("上传图片", [f'=HYPERLINK("https://wj.qq.com/api/files/download?id={n}","图")' for n in range(9)], "choice", None),
    ("您的建议", ["https://a.example/1.jpg", "https://a.example/2.jpg 这里裂了", "发货慢"], "open", None),
    ("您的职业", [], "choice", None),
]


@pytest.mark.parametrize("wording, values, kind, scale", CLASSIFIED)
def test_a_question_is_told_by_its_wording_and_its_answers(
    wording: str, values: Sequence[str], kind: str, scale: tuple[str, int, int] | None
) -> None:
    found, found_scale = classify(wording, values)
    assert found == kind
    assert (found_scale and (found_scale.metric, found_scale.low, found_scale.high)) == scale


def test_a_layout_names_questions_by_number_wording_or_header() -> None:
    text = 'name = "q"\nkind = "survey"\nchannel = "问卷"\nheader = ["编号"]\n[columns]\nsource_id = "编号"\n'
    text += '[survey]\nskip = ["耗时"]\nopen = ["2"]\nchoice = ["为什么"]\ncsat = ["Q4、整体如何"]\n'
    columns = ["编号", "耗时", "1、*为什么（必填）", "2、颜色", "第3题（物流）", "第3题（包装）", "Q4、整体如何", ""]
    rows = [["1", "9", text_, "红", "快", "好", str(n % 5 + 1), ""] for n, text_ in enumerate(WORDS)]
    found = find_questions(parse_layout(text, "q.toml"), columns, rows)
    assert [(q.index, q.number, q.wording, q.type) for q in found] == [
        (2, 1, "为什么", "choice"),
        (3, 2, "颜色", "open"),
        (4, 3, "（物流）", "choice"),
        (5, 3, "（包装）", "choice"),
        (6, 4, "整体如何", "score"),
    ]


SAME_QUESTION = [
    "您对我们还有什么建议？",
    "3、您对我们还有什么建议？",
    "第12题 您对我们还有什么建议",
    "*2、您对我们还有什么建议？",
    "2、＊您对我们还有什么建议？",
    "2、【填空题】您对我们还有什么建议?",
    "Q2. 您对我们还有什么建议？[简答题]（选填）",
    "2、您对我们 还有什么建议？____",
    "2、您对我们还有什么建议？*",
]


@pytest.mark.parametrize("header", SAME_QUESTION)
def test_a_question_is_known_by_its_wording_without_its_number_and_marks(header: str) -> None:
    layout = next(layout for layout in builtin_layouts() if layout.name == "wjx")
    (question,) = find_questions(layout, [header], [])
    assert (question.key, question.type) == (wording_key("您对我们还有什么建议？"), "open")


def test_questions_of_the_same_wording_are_told_apart_by_the_question_before_them() -> None:
    layout = next(layout for layout in builtin_layouts() if layout.name == "wjx")
    columns = [
        "1、原因",
        "2、您的建议",
        "3、原因：",
        "4、原因",
        "第5题",
        "9、原因",
        "第6题",
        "10、您的建议?",
        "11、原因",
    ]
    found = find_questions(layout, columns, [])
    why, better, nothing = map(wording_key, ("原因", "您的建议", ""))
    assert [q.key for q in found] == [
        *(f"{why}.", f"{better}.{why}", f"{why}.{better}", f"{why}.{better}.2", f"{nothing}.{why}"),
        *(f"{why}.{nothing}", f"{nothing}.{why}.2", f"{better}.{nothing}", f"{why}.{better}.3"),
    ]
    assert [q.number for q in found] == [1, 2, 3, 4, 5, 9, 6, 10, 11]
    [alone] = find_questions(layout, ["1、原因"], [])
    assert alone.key == why
    assert len({why, better, nothing, wording_key("【物流】您满意吗"), wording_key("【客服】您满意吗")}) == 5


def test_of_responses_without_a_number_the_place_of_a_question_is_no_part(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text("提交时间,答题时长,1、推荐吗（0-10）,2、建议\n2026/2/9 12:00:00,9,7,多出新品\n", encoding="utf-8")
    [said] = TableCollector().collect(Part("q.csv", path), SourceConfig("q", "table", layout="wjw"))
    assert isinstance(said, Record)
    # A record of the response alone would be one with all that are rated alike.
    assert (said.source_id, said.turn, said.question, said.text) == (None, None, "建议", "多出新品")
    assert said.scores == (replace(nps("7"), question=wording_key("推荐吗（0-10）")),)
    assert said.rates is not None
    assert wording_key("推荐吗（0-10）") in said.rates
    assert said.beside == ("nps=7",)


def test_addresses_of_pictures_alone_are_nobodys_words_and_words_beside_them_are_kept(tmp_path: Path) -> None:
    answers = [
        "https://a.example/1.jpg",
        "https://a.example/2.jpg 这里裂了",
        "http://a.example/3.jpg这里裂了",
        "发货慢",
    ]
    lines = [f"{number},2026/2/9 12:00:00,{number},{said}\n" for number, said in enumerate(answers)]
    path = tmp_path / "q.csv"
    path.write_text("序号,提交答卷时间,所用时间,1、说说您的建议\n" + "".join(lines), encoding="utf-8")
    found = list(TableCollector().collect(Part("q.csv", path), SourceConfig("q", "table")))
    assert [record.text for record in found if isinstance(record, Record)] == ["", *answers[1:]]


def test_skipped_and_blank_answers_are_none() -> None:
    for value in ("", "-2", "-3", "(空)", "（跳过）", "(未作答)", "NULL", "\\N", "nan"):
        assert is_no_answer(value)
    for value in ("无", "2", "-", "没有"):
        assert not is_no_answer(value)


def test_responses_of_two_surveys_with_the_same_number_stay_apart() -> None:
    assert response_id("1", "2026/2/9 12:00:20") == "1-202602091200"
    assert response_id("1", "2026-02-09 12:00:20") == "1-202602091200"  # another export of the same survey
    assert response_id("1", "2026/2/9 12:00") == "1-202602091200"  # the same, saved by Excel
    assert response_id("1", "2026/2/9 12:00", "35秒") == "1-202602091200-35"
    assert response_id("1", "2026/2/9 12:00", "48秒") == "1-202602091200-48"  # another survey, in the same minute
    assert response_id("1", "1771900000") == "1-1771900000"
    assert response_id("1", None) == "1"
    assert response_id(None, "2026/2/9", "35秒") is None


def test_a_layout_names_the_column_that_tells_responses_of_one_minute_apart(tmp_path: Path) -> None:
    layout = 'name = "q"\nkind = "survey"\nchannel = "问卷"\n[columns]\nsource_id = "编号"\nposted_at = "时间"\n'
    (tmp_path / "q.toml").write_text(f'{layout}[survey]\ntook = ["用时", "耗时"]\n', encoding="utf-8")
    for name, lines in (
        ("a.csv", "编号,时间,耗时,建议\n1,2026/2/9 12:00:20,1分30秒,多出新品\n"),
        ("b.csv", "编号,时间,建议\n"),
    ):
        (tmp_path / name).write_text(lines, encoding="utf-8")
    config = SourceConfig("q", "table", base=tmp_path, layout="q.toml")
    (record,) = TableCollector().collect(Part("a.csv", tmp_path / "a.csv"), config)
    assert isinstance(record, Record)
    assert (record.source_id, record.conversation_id) == (
        f"1-202602091200-1.30/{wording_key('建议')}",
        "1-202602091200-1.30",
    )
    assert list(TableCollector().collect(Part("b.csv", tmp_path / "b.csv"), config)) == []


@pytest.mark.parametrize(
    "raw, region",
    [("113.87.1.2(广东-深圳)", "广东-深圳"), ("113.87.1.2", None), ("广东", "广东"), ("1.2.3.4(未知)", None)],
)
def test_the_address_of_a_respondent_is_never_kept(tmp_path: Path, raw: str, region: str | None) -> None:
    path = tmp_path / "q.csv"
    path.write_text(
        f"序号,提交答卷时间,所用时间,来自IP,1、建议\n1,2026/2/9 12:00:00,9,{raw},多出新品\n", encoding="utf-8"
    )
    (record,) = TableCollector().collect(Part("q.csv", path), SourceConfig("q", "table"))
    assert isinstance(record, Record)
    assert (record.text, record.region) == ("多出新品", region)


def test_the_votes_of_a_response_go_with_its_first_answer_and_its_version_with_all(tmp_path: Path) -> None:
    layout = (
        'name = "q"\nkind = "survey"\nchannel = "问卷"\n[columns]\nsource_id = "编号"\nversion = "版本"\nvotes = "赞"\n'
    )
    (tmp_path / "q.toml").write_text(f"{layout}[survey]\nopen = ['好在哪', '差在哪']\n", encoding="utf-8")
    path = tmp_path / "q.csv"
    path.write_text("编号,版本,赞,好在哪,差在哪\n1,5.2.1,3,界面清楚,启动慢\n", encoding="utf-8")
    config = SourceConfig("q", "table", base=tmp_path, layout="q.toml")
    found = [item for item in TableCollector().collect(Part("q.csv", path), config) if isinstance(item, Record)]
    assert [(record.text, record.version, record.votes) for record in found] == [
        ("界面清楚", "5.2.1", "3"),
        ("启动慢", "5.2.1", None),
    ]


TENCENT = "编号,开始答题时间,结束答题时间,答题时长,语言,清洗数据结果,智能清洗数据无效概率,地理位置国家和地区,地理位置省,地理位置市,用户类型,用户标识,昵称,自定义字段,IP,UA,Referrer"


def test_an_export_of_tencent_holds_the_answers_and_nothing_that_was_noted_of_people(tmp_path: Path) -> None:
    noted = "简体中文,有效,0.{0},中国,广东,深圳,微信,{1},小鹿{0},a{0},113.87.{0}.9,Mozilla/5.0 (iPhone {0}),https://wj.qq.com/s2/{0}"
    lines = [
        f"{n},2026-03-01 09:3{n}:00,2026-03-01 09:3{n}:50,50秒,{noted.format(n, who)},{nps_},{said},https://wj.qq.com/f/{n}\n"
        for n, who, nps_, said in ((1, "o6_bmj1", 9, "豆子新鲜"), (2, "0", 3, "发货快点，等了五天"))
    ]
    path = tmp_path / "q.csv"
    friends = wording_key("您有多大可能推荐给朋友（0-10）")
    header = f"{TENCENT},1.您有多大可能推荐给朋友（0-10）,2.请说说您的建议,3.上传图片\n"
    path.write_text(header + "".join(lines), encoding="utf-8")
    found = [
        r for r in TableCollector().collect(Part("q.csv", path), SourceConfig("q", "table")) if isinstance(r, Record)
    ]
    key = wording_key("请说说您的建议")
    assert [(r.source_id, r.posted_at, r.customer, r.region, r.text, r.scores) for r in found] == [
        (
            "1-202603010931",
            "2026-03-01 09:31:50",
            "o6_bmj1",
            "广东 深圳",
            "",
            (replace(nps("9"), question=friends),),
        ),
        (f"1-202603010931/{key}", "2026-03-01 09:31:50", "o6_bmj1", "广东 深圳", "豆子新鲜", ()),
        ("2-202603010932", "2026-03-01 09:32:50", None, "广东 深圳", "", (replace(nps("3"), question=friends),)),
        (f"2-202603010932/{key}", "2026-03-01 09:32:50", None, "广东 深圳", "发货快点，等了五天", ()),
    ]


def test_responses_of_tencent_are_the_same_in_an_export_that_only_the_layout_of_wjw_fits(tmp_path: Path) -> None:
    """As they were before 腾讯问卷 had a layout of its own."""
    ids = []
    for place in ("地理位置省", "地理位置"):
        path = tmp_path / f"{place}.csv"
        head = f"编号,开始答题时间,结束答题时间,答题时长,{place},1.推荐吗（0-10）,2.建议"
        path.write_text(f"{head}\n7,2026-03-01 09:31:00,2026-03-01 09:31:50,50秒,,9,豆子新鲜\n", encoding="utf-8")
        collector = TableCollector()
        read = collector.collect(Part(path.name, path), SourceConfig("q", "table"))
        ids.append([record.source_id for record in read if isinstance(record, Record)])
    assert ids == [["7-202603010931", f"7-202603010931/{wording_key('建议')}"]] * 2


@pytest.mark.parametrize("name", ["UA", "User-Agent", "Referrer", "openid", "用户标识", "IP"])
def test_what_programs_note_of_people_is_no_question_under_any_layout(name: str) -> None:
    layout = parse_layout('name = "q"\nkind = "survey"\nchannel = "问卷"\nheader = ["时间"]\n[survey]\n', "q.toml")
    values = [[f"o6_{n}, like Mac OS X {n}", said] for n, said in enumerate(WORDS)]
    assert [question.wording for question in find_questions(layout, [name, "建议"], values)] == ["建议"]


def test_the_built_in_survey_layouts_skip_what_is_no_question() -> None:
    wjx = next(layout for layout in builtin_layouts() if layout.name == "wjx")
    columns = ["序号", "提交答卷时间", "所用时间", "来源", "来源详情", "来自IP", "总分", "1、建议"]
    assert [question.wording for question in find_questions(wjx, columns, [])] == ["建议"]


def test_words_in_the_blank_of_a_rating_and_behind_one_that_nobody_else_gave_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    rated = [
        *("非常满意", "满意", "一般") * 6,
        *["非常满意（超出预期，会再来）"] * 2,
        *("不满意〖等了2个小时没人理〗", "不满意〖太慢〗", "不满意（快递员骂人，投诉也没用）", "满意，送货快"),
    ]
    rows = "".join(f"{n},2026/2/9 12:00:00,35秒,{answer}\n" for n, answer in enumerate(rated, 1))
    path.write_text(f"序号,提交答卷时间,所用时间,1、您对配送满意吗？\n{rows}", encoding="utf-8")
    found = TableCollector().collect(Part("q.csv", path), SourceConfig("q", "table"))
    records = [record for record in found if isinstance(record, Record)]
    worded = [(record.text, str(record.source_id)[-2:], record.turn) for record in records if record.text]
    assert worded == [
        *(("等了2个小时没人理", "+1", 1), ("太慢", "+1", 1)),
        *(("快递员骂人，投诉也没用", "+1", 1), ("送货快", "+1", 1)),
    ]
    scores = [score for record in records for score in record.scores]
    assert [score.value for score in scores[-4:]] == ["2", "2", "2", "4"]
    assert (len(scores), [record for record in records if record.problems]) == (len(rated), [])


def test_a_rating_that_does_not_apply_is_no_answer_and_one_that_can_not_be_read_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    rated = ["非常满意", "未使用过", "看情况", *["满意"] * 5]
    rows = "".join(f"{n},2026/2/9 12:00:00,35秒,{answer}\n" for n, answer in enumerate(rated, 1))
    path.write_text(f"序号,提交答卷时间,所用时间,1、您对售后满意吗？\n{rows}", encoding="utf-8")
    found = TableCollector().collect(Part("q.csv", path), SourceConfig("q", "table"))
    records = [record for record in found if isinstance(record, Record)]
    assert [record.problems for record in records[:3]] == [(), (), ("csat score can't be read: 看情况",)]
    assert [[score.value for score in record.scores] for record in records[:4]] == [["5"], [], [], ["4"]]
