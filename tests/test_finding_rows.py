from dataclasses import replace
from json import loads

import pytest
from story import PARAMETERS, digest_of, ids, story, story_project

from feedback.errors import DigestError
from feedback.journey.build import build_digest
from feedback.journey.rows import finding_period, finding_rows
from storage.figures import FindingPeriod, save_findings


def test_findings_become_rows_with_their_evidence() -> None:
    digest = digest_of(*story())
    rows = finding_rows(digest)
    assert finding_period(digest) == FindingPeriod("week", "2026-02-23", "2026-03-02")
    assert [(row.kind, row.stage, row.aspect, row.channel, row.rank) for row in rows] == [
        ("stage", "awareness", None, None, 1),
        ("stage", "consideration", None, None, 2),
        ("stage", "engagement", None, None, 3),
        ("stage", "purchase", None, None, 4),
        ("pain_point", "purchase", "物流", None, 1),
        ("stage", "post_purchase", None, None, 5),
        ("pain_point", "post_purchase", "客服", None, 1),
        ("stage", "loyalty", None, None, 6),
        ("stage", "none", None, None, 7),
        ("change", "purchase", None, None, 1),
        ("change", "purchase", "物流", None, 2),
        ("change", "purchase", None, None, 3),
        ("change", "purchase", "物流", None, 4),
        ("change", "post_purchase", None, None, 5),
        ("change", "post_purchase", "客服", None, 6),
        ("disagreement", None, "客服", "微信", 1),
        ("score", None, None, None, 1),
        ("score", None, None, None, 2),
    ]
    assert rows[4].evidence == ids(1, 12)
    pain = loads(rows[4].figures)
    assert (pain["weight"], pain["tally"]["negative"], pain["quotes"]) == (10 / 12, 10, [1, 3, 2])
    assert rows[15].evidence == ids(13, 28)
    assert loads(rows[15].figures)["worst"]["tally"]["net"] == -1.0


def test_saving_the_same_findings_twice_changes_no_row() -> None:
    connection = story_project()
    digest = build_digest(connection, PARAMETERS, "", "", "")
    assert save_findings(connection, finding_period(digest), finding_rows(digest)) is True
    changes = connection.total_changes
    again = build_digest(connection, PARAMETERS, "", "", "")
    assert save_findings(connection, finding_period(again), finding_rows(again)) is False
    assert connection.total_changes == changes


def test_a_digest_of_some_channels_is_not_saved_over_the_whole() -> None:
    digest = digest_of(*story(), parameters=replace(PARAMETERS, channels=("微信",)))
    with pytest.raises(DigestError) as refused:
        finding_rows(digest)
    assert str(refused.value) == "Only a digest of all channels can be saved as findings."
