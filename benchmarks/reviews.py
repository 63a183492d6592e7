"""The texts that are measured on: customers' reviews as a CSV export, generated here or taken from a folder of data sets.

Generated reviews are self-written fragments put together by a seeded generator. They repeat themselves more than people
do, so finding copies among them is harder than in life.
"""

import csv
import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Literal

Mix = Literal["repeated", "unique", "copies"]

SEED = 20260301
COPIED_SHARE = 0.2

_THEMES = (
    (("物流", "快递", "发货", "配送", "送货"), ("很快", "隔天就到了", "比预计早了两天"), ("太慢了", "等了一周才到", "一直不更新")),
    (("包装", "外盒", "包裹", "箱子"), ("很严实", "干净又漂亮", "一点没压坏"), ("破了个角", "被压扁了", "连个气泡膜都没有")),
    (("客服", "售后", "店家", "卖家"), ("回复很及时", "耐心解答了半天", "主动打电话来问"), ("半天不理人", "只会复制粘贴", "答应的事没办")),
    (("质量", "做工", "用料", "手感"), ("没得说", "对得起价格", "比照片上还好"), ("一般般", "用两天就坏", "跟描述不一样")),
    (("价格", "这个价", "活动价", "性价比"), ("很实惠", "比商场便宜不少", "值得入手"), ("刚买就降了", "有点贵", "先涨后降没意思")),
    (("味道", "口感", "气味", "分量"), ("很清淡", "家里老人孩子都喜欢", "和以前一样好"), ("有点冲", "太甜了", "和上次买的不一样")),
    (("续航", "电池", "充电", "屏幕", "系统"), ("能撑一整天", "很流畅", "不发烫"), ("半天就没电", "老是卡", "用一会儿就烫手")),
    (("退货", "换货", "退款", "发票", "运费"), ("很顺利", "当天就处理好了", "没有推三阻四"), ("拖了半个月", "让我自己出钱", "问了三次才开")),
    (("尺码", "颜色", "款式", "面料"), ("正好合身", "很显白", "洗了没褪色"), ("偏小一号", "色差很大", "起球严重")),
    (("环境", "座位", "服务员", "上菜"), ("安静舒服", "很热情", "十分钟就齐了"), ("又挤又吵", "爱答不理", "等了快一个小时")),
)  # fmt: skip
_OPENERS = (
    "",
    "",
    "",
    "这次",
    "说实话，",
    "总的来说",
    "第二次买了，",
    "朋友推荐的，",
    "用了一周，",
    "没想到",
    "老客户了，",
    "对比了几家，",
)
_TURNS = ("，", "，", "。", "！", "，而且", "，但是", "，不过", "～", "，就是", "；")
_ENDINGS = ("", "。", "！", "，下次还来。", "，不会再买了。", "，希望改进。", "，推荐给大家👍", "，五星好评！", "，请问能换吗？", "，先这样吧")  # fmt: skip
_THINGS = (
    "面霜",
    "耳机",
    "电饭煲",
    "运动鞋",
    "坚果礼盒",
    "羽绒服",
    "扫地机",
    "保温杯",
    "台灯",
    "行李箱",
    "牛奶",
    "手机壳",
)
_WHO = ("给我妈买的", "自己用的", "送同事的", "公司团购的", "给孩子买的", "给{city}的亲戚寄的", "等了{days}天", "花了{price}元", "在{city}收的货", "用了{days}天了")  # fmt: skip
_CITIES = ("广州", "成都", "哈尔滨", "厦门", "西安", "兰州", "昆明", "青岛", "长沙", "合肥")
_SENTENCE_ENDS = "。！？!?\n"


def texts(data: Path | None, mix: Mix, rows: int) -> Iterator[str]:
    """`rows` reviews. `repeated`: the source's own, over and over; `unique`: its sentences put together anew;
    `copies`: those, and one in five a copy of an earlier one, half of these with another ending."""
    if mix == "repeated":
        base = cycle(_corpus(data)) if data else cycle(list(islice(_generated(random.Random(SEED)), 20_000)))
        return islice(base, rows)
    random_ = random.Random(SEED)
    fresh = _recombined(_corpus(data), random_) if data else _generated(random_)
    return islice(fresh if mix == "unique" else _with_copies(fresh, random_), rows)


def write_csv(path: Path, data: Path | None, mix: Mix, rows: int) -> int:
    """A shop's review export of the columns that the `jd_flat` layout knows; its size in bytes."""
    random_ = random.Random(SEED + rows)
    start = datetime(2024, 1, 1)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "content", "creationTime", "score", "referenceName", "nickname", "userProvince"])
        for number, text in enumerate(texts(data, mix, rows)):
            moment = start + timedelta(seconds=random_.randrange(2 * 365 * 86_400))
            writer.writerow(
                [
                    *(f"{10**9 + number}", text, f"{moment:%Y-%m-%d %H:%M:%S}", random_.randint(1, 5)),
                    *(random_.choice(_THINGS), f"user{random_.randrange(rows)}", random_.choice(_CITIES)),
                ]
            )
    return path.stat().st_size


def labelled(data: Path, limit: int) -> list[tuple[str, bool]]:
    """A fixed sample of the held-out reviews with whether they are positive."""
    lines = (data / "reviews_binary_dev.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    random.Random(SEED).shuffle(rows)
    return [(row["text"], row["label"] == "positive") for row in rows[:limit]]


def _corpus(data: Path | None) -> list[str]:
    if data is None:
        return []
    found = []
    for name, column in (("jd_reviews.csv", "content"), ("meituan_reviews.csv", "comment")):
        with (data / name).open(encoding="utf-8-sig", newline="") as file:
            found += [row[column] for row in csv.DictReader(file)]
    for name in ("reviews_binary_dev.jsonl", "reviews_binary_train.jsonl"):
        with (data / name).open(encoding="utf-8") as lines:
            found += [json.loads(line)["text"] for line in lines]
    return [text for text in found if text.strip()]


def _recombined(corpus: list[str], random_: random.Random) -> Iterator[str]:
    """As many sentences as a real review has, each from another one."""
    reviews = [_sentences(text) for text in corpus]
    pool = [sentence for review in reviews for sentence in review]
    while True:
        yield "".join(random_.choices(pool, k=len(random_.choice(reviews))))


def _sentences(text: str) -> list[str]:
    for end in _SENTENCE_ENDS:
        text = text.replace(end, f"{end}\x00")
    return [sentence for sentence in text.split("\x00") if sentence.strip()]


def _generated(random_: random.Random) -> Iterator[str]:
    pick = random_.choice
    while True:
        clauses = []
        for _ in range(random_.randint(2, 6)):
            subjects, good, bad = pick(_THEMES)
            clauses.append(pick(_OPENERS) + pick(subjects) + pick(good if random_.random() < 0.6 else bad))
        who = pick(_WHO).format(
            city=pick(_CITIES), days=random_.randint(2, 60), price=round(random_.uniform(5, 900), 1)
        )
        clauses.insert(random_.randrange(len(clauses) + 1), f"{pick(_THINGS)}{who}")
        yield "".join(clause + pick(_TURNS) for clause in clauses[:-1]) + clauses[-1] + pick(_ENDINGS)


def _with_copies(fresh: Iterator[str], random_: random.Random) -> Iterator[str]:
    seen: list[str] = []  # a sample of what was written, of bounded size
    for text in fresh:
        if len(seen) >= 100 and random_.random() < COPIED_SHARE:
            original = random_.choice(seen)
            yield original if random_.random() < 0.5 else original + random_.choice(_ENDINGS)
            continue
        if len(seen) < 5_000:
            seen.append(text)
        elif random_.random() < 0.05:
            seen[random_.randrange(5_000)] = text
        yield text
