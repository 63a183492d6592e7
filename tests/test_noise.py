"""What is no customer's opinion, and what only looks so."""

import pytest

from feedback.noise import _DEFAULT_REVIEWS, noise_of
from storage.records import Kind, Noise, Role

CASES: list[tuple[str, Kind, Role, Noise | None]] = [
    ("此用户没有填写评价。", "review", "customer", "default_review"),  # 京东
    ("15天内买家未作出评价", "review", "customer", "default_review"),  # 淘宝
    ("评价方未及时做出评价,系统默认好评!", "review", "customer", "default_review"),  # 天猫
    ("  系统默认好评～ ", "review", "customer", "default_review"),
    ("", "review", "customer", "no_text"),
    ("", "review", "agent", "no_text"),
    ("亲，感谢您的支持", "review", "agent", "company_reply"),
    ("谢谢关注，我们下周上新", "post", "agent", "company_reply"),
    ("您好，请问有什么可以帮您", "chat", "agent", None),  # a turn of a conversation is context, not noise
    ("此用户没有填写评价，我来写一句：物流太慢", "review", "customer", None),
    ("默认好评", "review", "customer", "default_review"),
    ("不是默认好评", "review", "customer", None),
    ("好评", "review", "customer", None),
    ("无", "survey", "customer", None),
    ("，。！", "review", "customer", None),
    ("👍", "review", "customer", None),
]


@pytest.mark.parametrize("text, kind, role, expected", CASES)
def test_noise_is_what_the_platform_or_the_company_wrote(
    text: str, kind: Kind, role: Role, expected: Noise | None
) -> None:
    assert noise_of(text, kind, role) == expected


@pytest.mark.parametrize("text", _DEFAULT_REVIEWS)
@pytest.mark.parametrize("ending", ["", "。", "！", "!!!", " …… "])
def test_every_default_review_is_known_whatever_its_punctuation(text: str, ending: str) -> None:
    assert noise_of(text + ending, "review", "customer") == "default_review"
