"""Made-up chats, and what the weights that were learned from such make of others."""

from pathlib import Path

from chat_files import collect, records, written

from feedback.collectors.base import Record
from feedback.errors import CollectError
from nlp.training.transcripts import Transcript, transcripts
from storage.records import Role

ROLES: dict[str, Role] = {"customer": "customer", "agent": "agent", "bot": "bot"}


def test_made_up_chats_are_the_same_for_a_seed_and_their_heads_are_where_they_say() -> None:
    made = transcripts(30, 7)
    assert made == transcripts(30, 7)
    for each in made:
        lines = each.text.split("\n")
        assert len(each.heads) == len(each.turns)
        assert [
            turn.speaker in lines[head - 1] + lines[head]
            for head, turn in zip(sorted(each.heads), each.turns, strict=True)
        ] == [True] * len(each.turns)


def read(made: Transcript, folder: Path) -> list[Record]:
    try:
        return records(
            collect(written(folder, "t.txt", made.text), {turn.speaker: ROLES[turn.role] for turn in made.turns})
        )
    except CollectError:
        return []


def test_nine_in_ten_turns_of_other_made_up_chats_are_read_as_they_were_said(tmp_path: Path) -> None:
    said = right = 0
    for made in transcripts(60, 7):
        told = {(record.role, record.text) for record in read(made, tmp_path)}
        said += len(made.turns)
        right += sum((turn.role, turn.text.strip()) in told for turn in made.turns)
    assert right / said > 0.9
