"""The six stages of the customer journey and their names."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StageName:
    """A stage's key in the database, and what it is called."""

    key: str
    zh: str
    en: str


STAGE_NAMES: tuple[StageName, ...] = (
    StageName("awareness", "意识觉醒", "Awareness"),
    StageName("consideration", "信息获取", "Consideration"),
    StageName("engagement", "体验参与", "Engagement"),
    StageName("purchase", "购买决策", "Purchase"),
    StageName("post_purchase", "售后服务", "Post-purchase"),
    StageName("loyalty", "关系维系", "Loyalty"),
    StageName("none", "未能判定", "Undetermined"),
)
