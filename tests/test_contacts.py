"""Names and numbers of people are not collected; what they say of their phones, calls and addresses is. All of it is made up."""

from collections.abc import Sequence

import pytest

from feedback.collectors.contacts import is_contact
from feedback.collectors.survey import classify

ASKED_FOR = [
    # "Please fill in" asks for words, but not for an opinion.
    ("请填写您的姓名", ["王小明", "李小红"]),
    ("请填写您的手机号", ["13800000001"]),
    ("还有什么其他联系方式", ["qq10000"]),
    ("请留言您的微信号", ["abc"]),
    # Short answers that all differ are kept, so a column of names must be known by its wording.
    ("您孩子叫什么", ["乐乐", "豆豆", "安安"]),
    ("会员昵称", ["青山", "流水"]),
    ("您的名字", ["青山", "流水"]),
    ("怎么称呼您？", ["青山", "流水"]),
    ("个人信息（姓名）", ["青山", "流水"]),
    ("请留下您的姓名和单位", ["王小明，某某科技有限公司采购部", "李小红，某某贸易有限公司销售部"]),
    # A place reads like a sentence.
    ("详细地址", ["人民路1号，二楼"]),
    ("您的收货地址", ["村口小卖部旁边的院子里，找我妈就行"] * 3),
    # Why it is asked for is not what is asked for.
    ("感谢您的建议，请留下姓名", ["王小明", "李小红"]),
    ("为了更好地改进服务，请留下您的电话", ["13800000001", "不方便透露，谢谢理解"]),
    ("方便的话请留下您的电话，我们会回访", ["13800000001"]),
    ("请留下您的手机号，以便我们了解问题", ["13800000001"]),
    # The wording only speaks of it; the answers show what was asked for.
    ("您拨打客服时用的手机是多少号码", ["13800000001", "138 0000 0002", "无", "不记得了"]),
    ("把邮箱写在这里领券", ["a@example.com", "我的是 b@example.com"]),
]
ASKED_WITHOUT_ANSWERS = [
    *(
        "姓名",
        "手机",
        "联系电话",
        "您的手机号码是多少？",
        "收件人姓名/电话/地址",
        "联系人及电话",
        "手机或微信",
        "QQ",
        "您的微信：",
    ),
    *(
        "您的会员卡号是？",
        "请提供您的订单号以便查询",
        "请输入手机号",
        "家庭住址",
        "E-mail",
        "Your e-mail",
        "购买人电话",
        "单位及电话",
        "方便的话请留下您的电话，我们会回访",
        "您的微信可以加一下吗",
        "您的出生年份",
        "（手机）",
    ),
]
SPOKEN_OF = [
    ("您对这款手机有哪些不满意的地方？", "电池半天就没电了，发热也严重"),
    ("您最喜欢这款手机的哪一点？", "拍照真的很清晰，夜景尤其好"),
    ("您拨打客服电话时遇到了什么问题？", "等了二十分钟没人接，接通又被挂断"),
    ("使用手机银行时遇到过哪些困难？", "转账的时候老是闪退，验证码也收不到"),
    ("您对收货地址填写流程有什么看法？", "每次都要重新选省市区，太麻烦了"),
    ("您对我们的会员卡号绑定流程怎么看？", "绑了三次才成功，提示看不懂"),
    ("邮箱登录时哪里不顺手", "输了三遍密码才进去，页面还卡"),
    ("您对QQ群里的服务有什么感受", "问了没人理，过了两天才有人回"),
    ("新品的名字起得如何", "好记，也好念"),
    ("对电话客服的建议", "接得太慢，等了十分钟"),
    ("您对客服电话有什么期待", "晚上也有人接，最好不用排队"),
    ("手机联系人导入有什么问题", "少了一半，还得一个个重输"),
    ("What did you dislike about our email newsletter?", "too long, and far too often"),
    # It could be meant otherwise, and is.
    ("您的手机", "用了两年还是很流畅，就是充电有点慢"),
]


@pytest.mark.parametrize("wording, values", ASKED_FOR)
def test_a_name_or_a_number_that_is_asked_for_is_not_collected(wording: str, values: Sequence[str]) -> None:
    assert classify(wording, values) == ("contact", None)


@pytest.mark.parametrize("wording", ASKED_WITHOUT_ANSWERS)
def test_what_asks_for_a_contact_is_known_by_its_wording_alone(wording: str) -> None:
    assert classify(wording, ()) == ("contact", None)


@pytest.mark.parametrize("wording, answer", SPOKEN_OF)
def test_a_question_that_only_speaks_of_a_phone_or_an_address_is_like_any_other(wording: str, answer: str) -> None:
    assert classify(wording, [f"{answer}{n}" for n in range(30)]) == ("open", None)


@pytest.mark.parametrize("wording", [wording for wording, _ in SPOKEN_OF if wording != "您的手机"])
def test_without_answers_it_asks_for_no_contact_either(wording: str) -> None:
    assert classify(wording, ())[0] != "contact"


def test_a_number_in_a_sentence_makes_no_contact_of_it() -> None:
    answers = [f"等了{n}分钟没人接，后来用13800000001回拨才接通" for n in range(10)]
    assert classify("您拨打客服电话时遇到了什么问题？", answers) == ("open", None)


@pytest.mark.parametrize(
    ("wording", "declined", "given"),
    [
        ("您的手机号", "不方便透露", "13800000001"),
        ("请留下您的联系电话", "不用回访了", "王芳 13800000001"),
        ("您的QQ", "没有QQ", "qq0038885"),
        ("您的微信", "不想留", "微信同号 zhang12"),
    ],
)
def test_that_most_decline_makes_no_open_question_of_it(wording: str, declined: str, given: str) -> None:
    assert classify(wording, [declined] * 8 + [given] * 2) == ("contact", None)


def test_an_answer_that_is_a_number_beside_a_name_is_nobodys_words() -> None:
    assert is_contact("王芳 13800000001")
    assert is_contact("邮箱：a@example.com")
    assert not is_contact("打 13800000001 老是占线，等了半天")
