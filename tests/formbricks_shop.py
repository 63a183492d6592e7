"""A survey of Formbricks with a question of each kind, responses to it, and feedback records. All people and words are made up."""

from pathlib import Path
from typing import Any

from worlds import NOW

from feedback.collectors.base import Item, Record, SourceConfig, Withdrawn
from feedback.collectors.formbricks_form import Form, Named, read_response
from feedback.collectors.formbricks_records import Submissions
from feedback.collectors.live import Visit
from feedback.collectors.live.vault import Vault
from storage.records import Rates

CONFIG = SourceConfig("问卷", "formbricks", store="人民路店", product="手冲壶")
CHOICES = [
    {"id": "c1", "label": {"default": "朋友", "en": "Friends"}},
    {"id": "c2", "label": "小红书"},
    {"id": "other", "label": {"default": "其他"}},
]
QUESTIONS: list[dict[str, object]] = [
    {"id": "likely", "type": "nps", "headline": {"default": "您有多大可能推荐我们？"}},
    {"id": "pleased", "type": "csat", "headline": {"default": "这次购物您满意吗？"}, "range": 5},
    {"id": "easy", "type": "ces", "headline": {"default": "退货容易吗？"}, "range": 7},
    {"id": "stars", "type": "rating", "headline": {"default": "给客服打分"}, "range": 10, "scale": "star"},
    {"id": "content", "type": "rating", "headline": {"default": "对物流满意吗"}, "range": 5, "scale": "smiley"},
    {"id": "known", "type": "multipleChoiceMulti", "headline": "您从哪里知道我们？", "choices": CHOICES},
    {"id": "size", "type": "multipleChoiceSingle", "headline": "尺码", "choices": CHOICES[:2]},
    {"id": "why", "type": "openText", "headline": {"default": "<p>您好 #recall:name/fallback:您#，为什么？</p>"}},
    {"id": "better", "type": "openText", "headline": {"en": "What can we improve?"}, "inputType": "text"},
    {"id": "mail", "type": "openText", "headline": {"default": "怎么回复您？"}, "inputType": "email"},
    {"id": "name", "type": "openText", "headline": {"default": "您的姓名"}},
    {"id": "agree", "type": "consent", "headline": {"default": "同意吗"}},
    {"id": "visit", "type": "date", "headline": {"default": "哪天来的"}},
]
RATINGS: Rates = {"likely": "nps", "pleased": "csat", "easy": "ces", "stars": "star", "content": "csat"}
SHOP: dict[str, object] = {"id": "s1", "questions": QUESTIONS, "hiddenFields": {"fieldIds": ["campaign"]}}


def a_form(named: Named | None = None, **changed: object) -> Form:
    return Form.of("s1", {**SHOP, **changed}, named or Named())


def a_response(data: object, **changed: object) -> dict[str, Any]:
    common = {"id": "r1", "surveyId": "s1", "createdAt": "2026-03-01T02:00:00.507Z", "finished": True}
    return {**common, "updatedAt": "2026-03-01T02:00:00.507Z", "data": data, **changed}


def record(key: str = "", **fields: Any) -> Record:
    common: dict[str, Any] = {"text": "", "kind": "survey", "channel": "Formbricks", "location": "s1:r1"}
    common |= {"source_id": f"r1{key}", "conversation_id": "r1", "posted_at": "2026-03-01T02:00:00.507Z"}
    common |= {"product": "手冲壶", "store": "人民路店"}
    if not key:
        common["rates"] = RATINGS
    return Record(**{**common, **fields})


def unrated(*others: str) -> Withdrawn:
    """What is told of a response without any rating, where the settings name others of its questions."""
    return Withdrawn("r1", "s1:r1", for_good=False, rates={**RATINGS, **dict.fromkeys(others)})


def of_hub(key: str = "", **fields: Any) -> Record:
    """As `record`, of feedback records: some of a response, of which others may come later."""
    alone = {"shared": True} if key else {"rates": {score.question: score.metric for score in fields["scores"]}}
    return record(key, **{**alone, **fields})


def read(data: object, form: Form | None = None, **changed: object) -> list[Item]:
    return read_response(a_response(data, **changed), form or a_form(), "s1", CONFIG)


def a_field(field_id: str, field_type: str, **fields: object) -> dict[str, object]:
    common: dict[str, object] = {
        "submission_id": "r1",
        "source_type": "survey",
        "source_id": "s1",
        "field_id": field_id,
    }
    return {**common, "field_type": field_type, "collected_at": "2026-03-01T02:00:00.507Z", **fields}


def a_visit(options: dict[str, object], paths: tuple[str, ...] = (), base: Path | None = None) -> Visit:
    config = SourceConfig("问卷", "formbricks", paths=paths, base=base or Path(), options=options)
    return Visit(config, Vault(Path("/nowhere")), NOW)


def read_records(*records: dict[str, object]) -> list[Item]:
    """What comes of the feedback records of one submission in a file."""
    submissions, path = Submissions(), Path("s1")
    for each in records:
        submissions.learn(each, path)
    return submissions.items("r1", path.name, CONFIG)
