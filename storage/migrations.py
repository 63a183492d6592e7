"""The database's shape, one numbered step after another. A step is a file in `steps/`; one that has been released is never edited: add the next one.

0001  the tables of the first release
0002  what is found without being listed: topics (centres, texts, events) and open mentions
0003  of which version of the product a verbatim is, and how many people found it helpful
0004  whether the date of a verbatim is its own, or may be that of its arrival; null: stored before this was noted
0005  what a Singer tap says was deleted (its ids are STREAM:KEY) is no longer void for good: it may send it again
0006  the ratings of a response to a survey of Formbricks (answers are RESPONSE/QUESTION) stand in a record of the response itself
0007  an answer to the first of several questions worded alike has not the id of an answer to the only one of that wording
"""

from collections.abc import Callable
from importlib import resources

from sqlite_utils import Database, Migrations

from storage.errors import DatabaseTooNew

STEPS = (
    "0001_tables",
    "0002_found",
    "0003_version_and_votes",
    "0004_own_date",
    "0005_deleted_for_now",
    "0006_ratings_of_responses",
    "0007_questions_alike",
    "0008_questions_of_ratings",
)

migrations = Migrations("yuansheng")


def _step(name: str) -> Callable[[Database], None]:
    def apply(db: Database) -> None:
        statements = (resources.files("storage") / "steps" / f"{name}.sql").read_text(encoding="utf-8")
        # Not executescript(): that would commit the migration's transaction before its first statement.
        for statement in statements.split(";"):
            if statement.strip():
                db.execute(statement)

    return apply


for _name in STEPS:
    migrations(name=_name)(_step(_name))


def is_current(db: Database, path: str) -> bool:
    """Whether the database has this version's shape; `DatabaseTooNew` if it is ahead of it. Writes nothing."""
    known = {step.name for step in migrations.pending(Database(memory=True))}
    applied = {step.name for step in migrations.applied(db)}
    if ahead := sorted(applied - known):
        raise DatabaseTooNew(
            f"{path} was written by a newer yuansheng (it has '{ahead[-1]}'). "
            "Upgrade with: pip install --upgrade yuansheng"
        )
    return known == applied


def migrate(db: Database, path: str) -> bool:
    """Bring the database to this version's shape, or raise `DatabaseTooNew` if it is ahead of it. Whether it changed."""
    if is_current(db, path):
        return False
    migrations.apply(db)
    return True
