"""The built-in taxonomies: sound as data, and marking what a reader would mark."""

import unicodedata
from collections import Counter

import pytest

from nlp.aspects import AspectFinder, Folded
from nlp.marks import STAGES
from nlp.normalize import fold
from nlp.taxonomy import Aspect, Taxonomy, builtin_taxonomies, load_taxonomy

NAMES = ("auto", "beauty", "hotel", "restaurant", "retail", "telecom")

# The 18 keys of the ASAP data set, and what the product calls them.
RESTAURANT = {
    "location_traffic": "交通",
    "location_distance_from_business_district": "商圈距离",
    "location_easy_to_find": "好不好找",
    "service_wait_time": "排队等位",
    "service_waiters_attitude": "服务态度",
    "service_parking_convenience": "停车",
    "service_serving_speed": "上菜速度",
    "price_level": "价格",
    "price_cost_effective": "性价比",
    "price_discount": "优惠",
    "environment_decoration": "装修",
    "environment_noise": "噪音",
    "environment_space": "就餐空间",
    "environment_cleaness": "卫生",
    "dish_portion": "分量",
    "dish_taste": "口味",
    "dish_look": "菜品外观",
    "dish_recommendation": "推荐意愿",
}
BEAUTY = ["整体", "使用体验", "功效", "价格", "物流", "气味", "包装", "真伪", "服务", "成分", "尺寸", "新鲜度", "其他"]
AUTO = ["动力", "价格", "内饰", "配置", "安全性", "舒适性", "外观", "操控", "油耗", "空间"]


def words(aspect: Aspect) -> tuple[str, ...]:
    return aspect.terms + aspect.opinions


def aspects_in(text: str, taxonomy: Taxonomy) -> set[str]:
    """What the product finds, with every character a token: the hardest case for words of one character."""
    document = Folded(text, fold(text), frozenset(range(len(text) + 1)))
    return {mention.aspect for mention in AspectFinder(taxonomy).find(document, (0, len(text)), "neutral")}


@pytest.fixture(scope="module", params=NAMES)
def taxonomy(request: pytest.FixtureRequest) -> Taxonomy:
    name: str = request.param
    return load_taxonomy(name)


def test_the_six_taxonomies_are_the_built_in_ones() -> None:
    assert tuple(builtin_taxonomies()) == NAMES


def test_a_taxonomy_is_named_after_its_file_and_titled_in_both_languages(taxonomy: Taxonomy) -> None:
    assert taxonomy.name in NAMES
    assert load_taxonomy(taxonomy.name) == taxonomy
    assert taxonomy.version == "1.0"
    assert taxonomy.title_zh
    assert taxonomy.title_en.isascii()


def test_every_aspect_lies_on_a_stage_and_at_a_touchpoint_named_in_chinese(taxonomy: Taxonomy) -> None:
    wrong = [
        a.name for a in taxonomy.aspects if a.stage not in STAGES or a.stage == "none" or not _has_han(a.touchpoint)
    ]
    assert wrong == []


def test_every_aspect_has_terms_opinions_and_an_english_name_of_its_own(taxonomy: Taxonomy) -> None:
    assert [a.name for a in taxonomy.aspects if len(a.terms) < 5 or len(a.opinions) < 3 or not a.en.isascii()] == []
    assert _repeated([a.en for a in taxonomy.aspects]) == []


def test_no_word_stands_twice_in_a_taxonomy(taxonomy: Taxonomy) -> None:
    assert _repeated([w for a in taxonomy.aspects for w in words(a)]) == []
    assert _repeated([x for a in taxonomy.aspects for x in a.excludes]) == []


def test_every_exclude_is_longer_than_a_word_of_its_aspect_and_holds_it(taxonomy: Taxonomy) -> None:
    idle = [
        (a.name, exclude)
        for a in taxonomy.aspects
        for exclude in a.excludes
        if not any(w in exclude and w != exclude for w in words(a))
    ]
    assert idle == []


def test_no_exclude_holds_a_word_of_another_aspect_or_is_one(taxonomy: Taxonomy) -> None:
    """Nothing at all is found inside an exclude, so such a word would be lost: it belongs among that aspect's terms."""
    lost = [
        (a.name, exclude, other.name, w)
        for a in taxonomy.aspects
        for exclude in a.excludes
        for other in taxonomy.aspects
        for w in words(other)
        if exclude == w or (exclude in w if other == a else w in exclude and len(w) > 1)
    ]
    assert lost == []


def test_every_word_is_written_as_the_folded_text_it_is_looked_for_in(taxonomy: Taxonomy) -> None:
    every = [w for a in taxonomy.aspects for w in words(a) + a.excludes]
    assert [w for w in every if w != fold(w).strip()] == []


def test_a_single_character_counts_only_where_it_is_known_to_be_safe() -> None:
    single = {
        name: "".join(sorted(w for a in load_taxonomy(name).aspects for w in words(a) if len(w) == 1)) for name in NAMES
    }
    assert single == {
        "auto": "".join(sorted("缸肉价贵颠吵响丑凶飘省挤")),
        "beauty": "".join(sorted("棒赞黏痒闷厚油软润滑价贵屯囤味臭漏摔量")),
        "hotel": "".join(sorted("贵窗灰脏臭吵床菜粥")),
        "restaurant": "".join(sorted("价贵券吵闹挤脏量菜嫩脆鲜甜辣咸香酸腥")),
        "retail": "".join(sorted("价贵券帅臭甜囤")),
        "telecom": "".join(sorted("贵猫")),
    }


def test_restaurant_has_the_18_aspects_of_asap() -> None:
    assert {a.label: a.name for a in load_taxonomy("restaurant").aspects} == RESTAURANT


@pytest.mark.parametrize(("name", "expected"), [("beauty", BEAUTY), ("auto", AUTO)])
def test_names_and_labels_are_those_of_the_data_set(name: str, expected: list[str]) -> None:
    aspects = load_taxonomy(name).aspects
    assert sorted(a.name for a in aspects) == sorted(expected)
    assert [a.label for a in aspects] == [a.name for a in aspects]


@pytest.mark.parametrize("name", ["retail", "hotel", "telecom"])
def test_a_taxonomy_of_our_own_covers_all_six_stages(name: str) -> None:
    assert {a.stage for a in load_taxonomy(name).aspects} == set(STAGES) - {"none"}


STAGE_CASES = [  # the codebook's own examples
    ("retail", "广告种草", "awareness"),
    ("retail", "商品描述", "consideration"),
    ("retail", "性价比", "consideration"),
    ("retail", "优惠活动", "consideration"),
    ("retail", "质量", "engagement"),
    ("retail", "物流", "purchase"),
    ("retail", "错发漏发", "purchase"),
    ("retail", "包装", "purchase"),
    ("retail", "退换货", "post_purchase"),
    ("retail", "安装", "post_purchase"),
    ("retail", "发票", "post_purchase"),
    ("retail", "客服", "post_purchase"),
    ("retail", "复购意愿", "loyalty"),
    ("retail", "会员积分", "loyalty"),
    ("hotel", "入住办理", "purchase"),
    ("hotel", "位置", "engagement"),
    ("restaurant", "服务态度", "engagement"),
    ("restaurant", "价格", "consideration"),
    ("beauty", "物流", "purchase"),
    ("auto", "价格", "consideration"),
    ("telecom", "客服热线", "post_purchase"),
]


@pytest.mark.parametrize(("name", "aspect", "stage"), STAGE_CASES)
def test_an_aspect_lies_where_the_codebook_puts_it(name: str, aspect: str, stage: str) -> None:
    found = load_taxonomy(name).aspect(aspect)
    assert found is not None
    assert found.stage == stage


# Written for this test. The second of a pair like 贵 / 贵州 is the negative that an exclude is there for.
MENTION_CASES = [
    ("retail", "快递小哥把箱子扔在门口,里面的瓶子漏了", {"物流", "包装"}),
    ("retail", "比超市便宜,一直在回购", {"价格", "复购意愿"}),
    ("retail", "主播说的和实物不符,申请退货三天没人理", {"广告种草", "商品描述", "退换货", "客服"}),
    ("retail", "洗两次就掉色,线头也多,码数偏大", {"质量", "材质做工", "尺码尺寸"}),
    ("retail", "师傅上门安装收费高,发票也没给", {"安装", "发票"}),
    ("retail", "少发了一盒,发货还慢", {"错发漏发", "发货"}),
    ("retail", "苹果又脆又甜,很新鲜", {"口味", "新鲜度"}),
    ("retail", "值得信赖的老牌子", {"品牌口碑"}),
    ("retail", "这是从贵州来的", set()),
    ("retail", "评价写得晚了点", set()),
    ("retail", "发货速度还行", {"发货"}),
    ("retail", "今天心情一般", set()),
    ("restaurant", "排了一个小时队,上菜倒是很快", {"排队等位", "上菜速度"}),
    ("restaurant", "人均八十,量大味道正宗", {"价格", "分量", "口味"}),
    ("restaurant", "包间里很吵,地上还有油渍", {"就餐空间", "噪音", "卫生"}),
    ("restaurant", "离地铁站五分钟,停车场免费", {"交通", "停车"}),
    ("restaurant", "贵州朋友请客", set()),
    ("restaurant", "尽量早点来", set()),
    ("hotel", "前台办理入住太慢,押金还退错了", {"前台服务", "入住办理"}),
    ("hotel", "枕头太软,隔壁打呼噜都听得见", {"床品", "隔音"}),
    ("hotel", "下次还会住,就是早餐单调", {"再住意愿", "早餐"}),
    ("hotel", "提前预订的大床房没有窗户,一股霉味", {"房间", "卫生", "预订"}),
    ("hotel", "卫生间漏水", {"浴室"}),
    ("hotel", "感谢您宝贵的时间", set()),
    ("beauty", "面霜很滋润,补水效果也好,就是有点贵", {"使用体验", "功效", "价格"}),
    ("beauty", "香味好闻,是正品,物流很快", {"气味", "真伪", "物流"}),
    ("beauty", "快递小哥服务很到位", {"物流"}),
    ("beauty", "第二天早上就不干了", {"使用体验"}),
    ("auto", "起步有点肉,但百公里油耗才六个", {"动力", "油耗"}),
    ("auto", "后排宽敞,座椅皮质差,高速胎噪大", {"空间", "内饰", "舒适性"}),
    ("auto", "底盘扎实,刹车偏软", {"操控", "安全性"}),
    ("auto", "前脸真难看,优惠两万也不要", {"外观", "价格"}),
    ("auto", "不影响什么", set()),
    ("telecom", "无缘无故停机,充了五十话费也没到账", {"缴费充值"}),
    ("telecom", "套餐资费太贵,我要携号转网", {"套餐资费", "销户携转"}),
    ("telecom", "地下室没信号,宽带天天掉线,报修没人来", {"信号", "宽带", "装维上门"}),
    ("telecom", "@中国联通客服 在吗", set()),
    ("telecom", "人工客服一直占线", {"客服热线"}),
    ("telecom", "莫名多扣了二十块流量费", {"扣费账单", "流量"}),
]


@pytest.mark.parametrize(("name", "text", "expected"), MENTION_CASES)
def test_a_sentence_names_the_aspects_a_reader_sees(name: str, text: str, expected: set[str]) -> None:
    assert aspects_in(text, load_taxonomy(name)) == expected


def _repeated(values: list[str]) -> list[str]:
    return sorted(value for value, count in Counter(values).items() if count > 1)


def _has_han(text: str) -> bool:
    return any("CJK UNIFIED" in unicodedata.name(c, "") for c in text)
