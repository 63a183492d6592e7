"""What the encoder's training may see, and the file its base weights come in. No torch is needed for these."""

import csv
import json
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nlp.marks import SENTIMENTS
from nlp.normalize import squash
from nlp.training import aspect_sets, corpus, opinion_sets, texts
from nlp.training.aspect_sets import ASPECTS, UNKNOWN
from nlp.training.encoder.augment import mistyped, reviews_by_source, vary
from nlp.training.encoder.data import Example, examples
from nlp.training.encoder.packed import read
from nlp.training.opinion_sets import Opinion

REVIEWS = [
    ("物流很快，第二天就到了", "positive"),  # a development segment is cut from it
    ("杯子碎了一个", "negative"),
    ("杯子碎了一个", "negative"),  # a copy
    ("这家店的服务太差了！！！", "negative"),  # in a development file, with fewer marks
    ("手冲壶出水很稳", "positive"),
]
FILES: dict[str, list[dict[str, Any]]] = {
    "reviews_binary_train.jsonl": [{"text": text, "label": label, "src": "shop"} for text, label in REVIEWS],
    "reviews_binary_dev.jsonl": [{"text": "这家店的服务太差了！！", "label": "negative", "src": "shop"}],
    # without labels; the last has a segment to choose thresholds on
    "eprstmt_unlabeled.jsonl": [
        {"text": "送来就是坏的"},
        {"text": "还可以，凑合"},
        {"text": "没人读过"},
        {"text": "壶嘴漏水，换"},
    ],
    "eprstmt_train.jsonl": [{"text": "磨豆机漏粉", "label": "negative"}],
    "emotion_weibo.jsonl": [{"text": f"今天心情{chr(0x4E00 + 7 * n)}好", "label": "happy"} for n in range(60)],
    "restaurant_triplets_train.jsonl": [
        {"text": "鱼很新鲜", "opinions": [{"aspect": [0, 1], "opinion": [1, 4], "sentiment": "positive"}]},
        {
            "text": "鱼新鲜但是贵",
            "opinions": [
                {"aspect": [0, 1], "opinion": [1, 3], "sentiment": "positive"},
                {"aspect": [0, 0], "opinion": [5, 6], "sentiment": "negative"},
            ],
        },
    ],
    "makeup_opinions.jsonl": [
        {
            "text": text,
            "opinions": [
                {"aspect_term": "粉底", "opinion": "卡", "category": "使用体验", "sentiment": "negative"},
                {"aspect_term": None, "opinion": "有点", "category": "整体", "sentiment": "neutral"},
                {"aspect_term": "粉底", "opinion": None, "category": "整体", "sentiment": "neutral"},
            ],
        }
        for text in ("粉底有点卡", "卡是不卡，粉底有点卡粉", "这粉底有点卡脸")
    ],
    "car_aspects.jsonl": [{"text": "磨豆机漏粉", "aspects": [{"aspect": "动力", "sentiment": "negative"}]}]
    + [
        {
            "text": f"{name}，油耗高，底盘稳但是晃",
            "aspects": [
                {"aspect": "油耗", "sentiment": "negative"},
                {"aspect": "操控", "sentiment": "positive"},
                {"aspect": "操控", "sentiment": "negative"},
            ],
        }
        for name in "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉"
    ],
    "asap_train_sample.jsonl": [{"text": "等位一小时，味道还行", "star": 3.0}],
}
STARRED = [("1", "汤底一般", "30"), ("2", "下次还来", "50"), ("3", "再也不来", "10")]
LABELS = {
    "train": [("restaurant_triplets_train.jsonl", "0", 0, 4, "engagement", "positive", "praise")],
    "dev": [("reviews_binary_train.jsonl", "0", 0, 4, "purchase", "positive", "praise")],
    "calibration": [("eprstmt_unlabeled.jsonl", "3", 0, 4, "engagement", "negative", "complaint")],
}
READ = [
    ("reviews_binary_train.jsonl", "4", "negative"),  # which its label denies
    ("eprstmt_unlabeled.jsonl", "0", "negative"),
    ("eprstmt_unlabeled.jsonl", "1", "neutral"),
    ("eprstmt_unlabeled.jsonl", "3", "negative"),
]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, rows in FILES.items():
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with (tmp_path / "meituan_reviews.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("user_id", "comment", "star_x10"), *STARRED])
    labels = tmp_path / "labels"
    labels.mkdir()
    for name, lines in LABELS.items():
        with (labels / f"{name}.tsv").open("w", encoding="utf-8", newline="") as file:
            for file_name, row, start, end, *said in lines:
                check = corpus.fingerprint(FILES[file_name][int(row)]["text"][start:end])
                csv.writer(file, delimiter="\t").writerow([file_name, row, start, end, check, *said])
    with (labels / "reviews.tsv").open("w", encoding="utf-8", newline="") as file:
        for file_name, row, said in READ:
            check = corpus.fingerprint(FILES[file_name][int(row)]["text"])
            csv.writer(file, delimiter="\t").writerow([file_name, row, check, said])
    verdict = {"stage": "engagement", "sentiment": "positive", "intent": "praise"}
    written = [{"text": text, **verdict} for text in ("一滴都没漏", "挑不出毛病！！！")]
    (labels / "written.jsonl").write_text("".join(json.dumps(row) + "\n" for row in written), encoding="utf-8")
    (labels / "opinion_cases.jsonl").write_text(
        json.dumps({"kind": "fact", "text": "杯子碎了两个", "opinions": []}), encoding="utf-8"
    )
    (labels / "cases.jsonl").write_text(
        json.dumps({"text": "挑不出毛病！！", "sentiment": "positive"}), encoding="utf-8"
    )
    check = corpus.fingerprint("壶出水很稳")
    opinions = f"reviews_binary_train.jsonl\t4\t2\t7\t{check}\t0-1>3-5=+ >3-5=-\n"
    (labels / "opinions.tsv").write_text(opinions, encoding="utf-8")
    check = corpus.fingerprint("鱼新鲜但是贵")
    aspects = f"restaurant_triplets_train.jsonl\t1\t0\t6\t{check}\trestaurant\t口味+ 价格-\n"
    (labels / "aspects.tsv").write_text(aspects, encoding="utf-8")
    for module in (corpus, texts):
        monkeypatch.setattr(module, "LABELS", labels)
    return tmp_path


def test_nothing_that_measures_is_trained_on(data: Path) -> None:
    found = examples(data)
    assert [e.text for e in found if e.source == "reviews_binary shop"] == ["杯子碎了一个", "手冲壶出水很稳"]
    assert "磨豆机漏粉" not in {e.text for e in found if e.source == "car_aspects"}  # it is one of eprstmt_train
    cars = {row["text"] for row in FILES["car_aspects.jsonl"][1:] if not aspect_sets.is_held_out_car(row)}
    assert {e.text for e in found if e.source == "car_aspects"} == cars
    assert 0 < len(cars) < 20
    posts = {e.text for e in found if e.source == "emotion_weibo"}
    held_out = {row["text"] for row in FILES["emotion_weibo.jsonl"] if texts.is_held_out_emotion(row["text"])}
    assert 0 < len(held_out) < 20
    assert posts == {row["text"] for row in FILES["emotion_weibo.jsonl"]} - held_out
    seen = set(texts.training_texts(data))
    assert not seen & {"物流很快，第二天就到了", "这家店的服务太差了！！！", "磨豆机漏粉", "壶嘴漏水，换", *held_out}
    barred = {"挑不出毛病！！！", "物流很快，第二天就到了", "这家店的服务太差了！！！", "壶嘴漏水，换"}
    assert not {e.text for e in found} & barred


def test_no_written_segment_is_a_case() -> None:
    cases = {squash(row["text"]) for row in texts.rows(corpus.LABELS / "cases.jsonl")}
    written = [squash(segment.text) for segment in corpus.written_segments()]
    assert len(set(written)) == len(written) > 3000
    assert not cases & set(written)


def test_each_set_teaches_what_it_has_labels_for(data: Path) -> None:
    negative, neutral, positive = range(len(SENTIMENTS))
    found = {(e.source, e.text): e for e in examples(data)}
    segment = found["segments", "鱼很新鲜"]
    assert (segment.sentiment, segment.polarity, segment.intent, segment.stage) == (positive, None, 1, 2)
    written = found["written", "一滴都没漏"]
    assert (written.sentiment, written.intent, written.stage) == (positive, 1, 2)
    review = found["reviews_binary shop", "杯子碎了一个"]
    assert (review.sentiment, review.polarity, review.intent, review.stage) == (None, 0, None, None)
    both = found["restaurant_triplets", "鱼新鲜但是贵"]  # praise and blame in one
    assert both.sentiment is None
    assert both.opinions == (Opinion((0, 1), (1, 3), positive), Opinion(None, (5, 6), negative))
    marked = found["opinions", "壶出水很稳"]
    assert (marked.sentiment, marked.stage) == (None, None)
    assert marked.opinions == (Opinion((0, 1), (3, 5), positive), Opinion(None, (3, 5), negative))
    car = next(e for e in found.values() if e.source == "car_aspects")
    assert car.sentiment is None
    spoken = {ASPECTS[n]: value for n, value in enumerate(car.aspects or ()) if value > 0}
    assert spoken == {("auto", "油耗"): 1 + negative, ("auto", "操控"): 1 + neutral}
    assert {of for (of, _), value in zip(ASPECTS, car.aspects or (), strict=True) if value != UNKNOWN} == {"auto"}
    spoken_of = found["aspects", "鱼新鲜但是贵"].aspects or ()
    said = {name: value for (of, name), value in zip(ASPECTS, spoken_of, strict=True) if of == "restaurant"}
    assert (said["口味"], said["价格"], said["停车"]) == (1 + positive, 1 + negative, 0)
    assert {of for (of, _), value in zip(ASPECTS, spoken_of, strict=True) if value != UNKNOWN} == {"restaurant"}
    assert found["asap", "等位一小时，味道还行"].sentiment == neutral
    read = {e.text: (e.sentiment, e.polarity) for e in found.values() if e.source == "eprstmt"}
    assert read == {"送来就是坏的": (None, 0), "还可以，凑合": (neutral, None)}
    assert found["reviews_binary shop", "手冲壶出水很稳"].polarity == 0
    starred = {e.text: (e.sentiment, e.polarity) for e in found.values() if e.source == "meituan"}
    assert starred == {"汤底一般": (neutral, None), "下次还来": (None, 1), "再也不来": (None, 0)}


def test_make_up_terms_are_found_where_they_stand_and_a_fifth_of_the_reviews_measures(data: Path) -> None:
    negative, neutral, _ = range(len(SENTIMENTS))
    marked = {m.text: m.opinions for m in opinion_sets.makeup(data / "makeup_opinions.jsonl")}
    assert marked["粉底有点卡"] == (Opinion((0, 2), (4, 5), negative), Opinion(None, (2, 4), neutral))
    assert marked["卡是不卡，粉底有点卡粉"][0] == Opinion((5, 7), (0, 1), negative)
    held_out = {text for text in marked if opinion_sets.is_held_out_makeup(text)}
    trained = {e.text for e in examples(data) if e.source == "makeup_opinions"}
    assert trained == set(marked) - held_out


def test_variants_leave_the_offsets_of_opinions_true() -> None:
    text = "这台电脑的鼠标里面很脏，软件也不好用"
    opinion = Opinion((5, 7), (9, 11), 0)
    rng = random.Random(3)
    for _ in range(200):
        shown = vary(Example(text, "opinions", 1.0, opinions=(opinion,)), {}, rng)
        assert len(shown.text) == len(text)
        assert squash(shown.text[9:11]) == "很脏"


GROUP = [Example(f"第{n}次买了，还是一样的好用", "shop", 1.0, polarity=n % 2) for n in range(40)]


def test_variants_are_a_function_of_the_seed() -> None:
    others = reviews_by_source(GROUP)
    once, again = ([vary(e, others, random.Random(7)) for e in GROUP] for _ in range(2))
    rng = random.Random(7)
    flowing = [vary(e, others, rng) for e in GROUP * 50]
    assert once == again
    assert any("還" in e.text for e in flowing)
    joined = [e for e in flowing if e.text.count("第") > 1]
    assert {(e.sentiment, e.polarity is None) for e in joined} == {(1, True), (None, False)}


@pytest.mark.parametrize("text", ["好", "！", "物流很快，第二天就到了。"])
def test_a_mistyped_text_is_never_empty(text: str) -> None:
    assert all(mistyped(text, random.Random(seed)) for seed in range(200))


def packed_file(path: Path) -> Path:
    """Two pieces, one folded character, a float tensor and a block of 4-bit weights."""
    head = b"E5S1" + struct.pack("<i7ifi", 1, 32, 1, 1, 64, 2, 8, 1, 1e-12, 32)
    pieces = struct.pack("<5iQ", 2, 0, 1, 0, 1, 6) + struct.pack("<3I2f", 0, 3, 6, -1.0, -2.0) + "好快".encode()
    folding = struct.pack("<iI", 1, 0) + struct.pack("<IB1I", ord("Ａ"), 1, ord("A"))
    names = [(b"plain", 0, 3), (b"packed", 1, 32)]
    length = len(head + pieces + folding) + 4 + sum(2 + len(name) + struct.calcsize("<BIQQ") for name, *_ in names)
    directory = struct.pack("<i", len(names))
    for (name, quantised, size), offset in zip(names, (length, length + 12), strict=True):
        directory += struct.pack("<H", len(name)) + name + struct.pack("<BIQQ", quantised, size, offset, 0)
    block = struct.pack("<e", 0.5) + bytes(n | (15 - n) << 4 for n in range(16))
    path.write_bytes(head + pieces + folding + directory + struct.pack("<3f", 1, 2, 3) + block)
    return path


def test_packed_weights_are_read_as_their_format_says(tmp_path: Path) -> None:
    found = read(packed_file(tmp_path / "e5.bin"))
    assert (found.sizes.hidden, found.sizes.layers, found.pieces.pieces, found.pieces.scores) == (
        *(32, 1),
        ["好", "快"],
        [-1.0, -2.0],
    )
    assert found.pieces.folding == {"Ａ": "A"}
    assert found.tensors["plain"].tolist() == [1, 2, 3]
    expected = np.array([*range(16), *range(15, -1, -1)])
    assert found.tensors["packed"].tolist() == ((expected - 8) * 0.5).tolist()


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"PK\x03\x04")
    with pytest.raises(ValueError, match="is not a packed E5 model"):
        read(tmp_path / "x")
