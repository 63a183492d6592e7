"""What intake says of a row it could not use, or not whole, holds no personal data either."""

from datetime import UTC, datetime

import pytest

from feedback.collectors.base import Item, RawScore, Record, Unreadable
from feedback.intake import Intake
from storage.records import Reject

NOW = datetime(2024, 1, 1, tzinfo=UTC)
# More than twenty characters before its last digits: cut before it is masked, half the number would stay.
LONG_SCORE = "非常满意，有事请直接联系我的手机13812345678"


def _record(**fields: object) -> Record:
    return Record("不错", "review", "ecommerce", "a.csv:2", "1", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "item, reject",
    [
        (
            _record(posted_at="13812345678"),
            Reject("shop", "a.csv:2", "date unknown: '[手机号]': not a form of date known", "不错", stored=True),
        ),
        (
            _record(scores=(RawScore("star", LONG_SCORE, 1, 5),)),
            Reject(
                "shop",
                "a.csv:2",
                "star score unknown: '非常满意，有事请直接联系我的手机[手机号' is not in 1..5; what it is worth is said in the layout, "
                'under [[scores]]: values = { "好评" = 5 }',
                "不错",
                stored=True,
            ),
        ),
        (
            _record(problems=("csat score can't be read: 王女士 13812345678",)),
            Reject("shop", "a.csv:2", "csat score can't be read: [姓名]女士 [手机号]", "不错", stored=True),
        ),
        (
            Record(" ", "review", "ecommerce", "a.csv:2", "1", problems=("id 'lilei@example.com' is no id",)),
            Reject("shop", "a.csv:2", "the row has no text; id '[邮箱]' is no id"),
        ),
        (
            Unreadable("a.csv:2", "role '王女士' is not in [roles]", "王女士 | 13812345678"),
            Reject("shop", "a.csv:2", "role '[姓名]女士' is not in [roles]", "[姓名]女士 | [手机号]"),
        ),
    ],
)
def test_the_reason_and_the_excerpt_of_a_reject_are_masked(item: Item, reject: Reject) -> None:
    taken = Intake("shop", "Asia/Shanghai", b"secret", NOW).take([item], lambda identities: [0] * len(identities))
    assert taken.rejects == [reject]
