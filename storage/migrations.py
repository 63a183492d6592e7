"""The database's shape, one numbered step after another. A step that has been released is never edited; add the next one.

0001  the tables of the first release
0002  what is found without being listed: topics (centres, texts, events) and open mentions
0003  of which version of the product a verbatim is, and how many people found it helpful
0004  whether the date of a verbatim is its own, or may be that of its arrival; null: stored before this was noted
0005  what a Singer tap says was deleted (its ids are STREAM:KEY) is no longer void for good: it may send it again
0006  the ratings of a response to a survey of Formbricks (answers are RESPONSE/QUESTION) stand in a record of the response itself
0007  an answer to the first of several questions worded alike has not the id of an answer to the only one of that wording
"""

from sqlite_utils import Database, Migrations

from storage.errors import DatabaseTooNew

migrations = Migrations("yuansheng")


@migrations(name="0001_tables")
def _tables(db: Database) -> None:
    _execute(db, _TABLES)


@migrations(name="0002_found")
def _found(db: Database) -> None:
    _execute(db, _FOUND)


@migrations(name="0003_version_and_votes")
def _version_and_votes(db: Database) -> None:
    _execute(db, _VERSION_AND_VOTES)


@migrations(name="0004_own_date")
def _own_date(db: Database) -> None:
    _execute(db, "alter table verbatims add column own_date integer")


@migrations(name="0005_deleted_for_now")
def _deleted_for_now(db: Database) -> None:
    of_pipes = "source in (select source from readings where contents = 'live') and source_id like '%:%'"
    _execute(db, f"delete from withdrawals where {of_pipes}")


@migrations(name="0006_ratings_of_responses")
def _ratings_of_responses(db: Database) -> None:
    _execute(db, _RATINGS_OF_RESPONSES)


@migrations(name="0007_questions_alike")
def _questions_alike(db: Database) -> None:
    _execute(db, _QUESTIONS_ALIKE)


def _execute(db: Database, statements: str) -> None:
    # Not executescript(): that would commit the migration's transaction before its first statement.
    for statement in statements.split(";"):
        if statement.strip():
            db.execute(statement)


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


_TABLES = """
create table runs (
    id integer primary key,
    command text not null,
    source text,
    started_at text not null,
    finished_at text,
    status text not null check (status in ('running', 'done', 'failed')),
    added integer not null default 0,
    changed integer not null default 0,
    unchanged integer not null default 0,
    rejected integer not null default 0,
    message text
);

create table readings (
    id integer primary key,
    source text not null,
    part text not null,
    contents text not null,
    settings text not null,
    unique (source, part, contents, settings)
);

create table verbatims (
    id integer primary key,
    source text not null,
    source_id text not null,
    kind text not null check (kind in ('review', 'chat', 'survey', 'post', 'ticket')),
    channel text not null,
    role text not null check (role in ('customer', 'agent', 'bot')),
    conversation_id text,
    turn integer,
    parent_id text,
    customer_id text,
    product text,
    store text,
    region text,
    question text,
    posted_at text,
    text text not null,
    language text,
    duplicate_of integer references verbatims(id) on delete set null,
    noise text check (noise in ('default_review', 'company_reply', 'copied_template', 'no_text')),
    fingerprint integer,
    content_hash integer not null,
    run_id integer references runs(id),
    reading_id integer references readings(id),
    unique (source, source_id)
);
create index verbatims_posted_at on verbatims(posted_at);
create index verbatims_fingerprint on verbatims(fingerprint) where fingerprint is not null;
create index verbatims_duplicate_of on verbatims(duplicate_of) where duplicate_of is not null;
create index verbatims_conversation on verbatims(source, conversation_id, turn) where conversation_id is not null;

create table copy_bands (
    band integer not null,
    verbatim_id integer not null,
    primary key (band, verbatim_id)
) without rowid;

create virtual table verbatims_fts using fts5(
    words, chars, tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co So'"
);
insert into verbatims_fts (verbatims_fts, rank) values ('hashsize', 16777216);

create table scores (
    verbatim_id integer not null references verbatims(id) on delete cascade,
    number integer not null,
    metric text not null check (metric in ('star', 'nps', 'csat', 'ces')),
    value real not null,
    scale_low real not null,
    scale_high real not null,
    primary key (verbatim_id, number)
) without rowid;

create table analyses (
    verbatim_id integer not null references verbatims(id) on delete cascade,
    pipeline_version text not null,
    error text,
    primary key (verbatim_id, pipeline_version)
) without rowid;

create table segments (
    id integer primary key,
    verbatim_id integer not null references verbatims(id) on delete cascade,
    start integer not null,
    end integer not null,
    stage text not null,
    stage_confidence real not null,
    sentiment text not null check (sentiment in ('negative', 'neutral', 'positive')),
    sentiment_score real not null,
    sentiment_confidence real not null,
    intent text not null,
    intent_confidence real not null,
    emotion text
);
create index segments_verbatim on segments(verbatim_id);

create table mentions (
    id integer primary key,
    segment_id integer not null references segments(id) on delete cascade,
    aspect text not null,
    term text not null,
    start integer not null,
    end integer not null,
    opinion text,
    opinion_start integer,
    opinion_end integer,
    sentiment text not null
);
create index mentions_segment on mentions(segment_id);
create index mentions_aspect on mentions(aspect);

create table topics (
    id text primary key,
    label text not null,
    keywords text not null,
    lineage text
);
create table segment_topics (
    segment_id integer not null references segments(id) on delete cascade,
    topic_id text not null references topics(id) on delete cascade,
    primary key (segment_id, topic_id)
) without rowid;

create table findings (
    id integer primary key,
    period_kind text not null,
    period_start text,
    period_end text,
    kind text not null,
    stage text,
    aspect text,
    channel text,
    rank integer not null,
    figures text not null
);
create index findings_period on findings(period_kind, period_start);
create table evidence (
    finding_id integer not null references findings(id) on delete cascade,
    segment_id integer not null references segments(id) on delete cascade,
    primary key (finding_id, segment_id)
) without rowid;
create index evidence_segment on evidence(segment_id);

create table cursors (
    source text not null,
    part text not null,
    state text not null,
    updated_at text not null,
    primary key (source, part)
) without rowid;

create table withdrawals (
    source text not null,
    source_id text not null,
    primary key (source, source_id)
) without rowid;

create table rejects (
    id integer primary key,
    run_id integer references runs(id),
    source text not null,
    part text not null,
    location text not null,
    reason text not null,
    excerpt text not null,
    stored integer not null
);
create unique index rejects_row on rejects(source, part, location, reason, excerpt);

create table corrections (
    id integer primary key,
    verbatim_id integer not null references verbatims(id) on delete cascade,
    start integer not null,
    end integer not null,
    field text not null,
    value text not null,
    corrected_at text not null
);

create table audit (
    id integer primary key,
    happened_at text not null,
    action text not null,
    detail text not null
);

create table evaluations (
    id integer primary key,
    evaluated_at text not null,
    gold text not null,
    engine text not null,
    engine_version text not null,
    field text not null,
    part text not null,
    metric text not null,
    value real not null,
    low real,
    high real,
    n integer not null
);

create table deliveries (
    digest text not null,
    target text not null,
    status text not null check (status in ('sending', 'sent', 'failed')),
    error text,
    updated_at text not null,
    primary key (digest, target)
) without rowid;
"""

# Nothing has written to the two tables that are replaced.
_FOUND = """
drop table segment_topics;
drop table topics;

create table topics (
    id integer primary key,
    label text not null,
    named integer not null default 0,
    keywords text not null,
    status text not null check (status in ('live', 'merged', 'gone')),
    pinned integer not null default 0,
    hidden integer not null default 0,
    looked integer not null,
    born_at text not null,
    ended_at text
);
create table topic_centres (
    topic_id integer not null references topics(id) on delete cascade,
    number integer not null,
    vector blob not null,
    primary key (topic_id, number)
) without rowid;
create table topic_space (
    encoder text not null,
    mean blob not null,
    direction blob not null,
    texts integer not null,
    placed_up_to integer not null default 0
);
create table topic_texts (
    digest blob primary key,
    encoder text not null,
    vector blob not null,
    topic_id integer references topics(id),
    similarity real
);
create index topic_texts_topic on topic_texts(topic_id, digest);
create table segment_topics (
    segment_id integer primary key references segments(id) on delete cascade,
    topic_id integer not null references topics(id) on delete cascade,
    similarity real not null
);
create index segment_topics_topic on segment_topics(topic_id, similarity);
create table topic_events (
    id integer primary key,
    run_id integer references runs(id),
    happened_at text not null,
    kind text not null,
    topic_id integer not null references topics(id),
    other_id integer references topics(id),
    detail text not null
);

create table open_mentions (
    id integer primary key,
    segment_id integer not null references segments(id) on delete cascade,
    term text not null,
    start integer not null,
    end integer not null,
    opinion text not null,
    opinion_start integer not null,
    opinion_end integer not null,
    sentiment text not null
);
create index open_mentions_segment on open_mentions(segment_id);
create index open_mentions_term on open_mentions(term);
"""

_VERSION_AND_VOTES = """
alter table verbatims add column version text;
alter table verbatims add column votes integer;
"""

# Which of a response's answers had its ratings changed with the survey, and an earlier one kept them: those written last count.
# When they moved to an answer, a record of the response itself became void for good.
_ANSWERS = """verbatims v where source in (select source from readings where contents = 'live')
    and substr(source_id, 1, length(conversation_id) + 1) = conversation_id || '/'"""
_RATED = f"""select id, source, conversation_id, row_number() over (
        partition by source, conversation_id order by run_id desc, id desc) as place
    from {_ANSWERS} and kind = 'survey' and exists (select 1 from scores where verbatim_id = v.id)"""
_RATINGS_OF_RESPONSES = f"""
delete from withdrawals where (source, source_id) in (select source, conversation_id from {_ANSWERS});

insert or ignore into verbatims (source, source_id, kind, channel, role, conversation_id, customer_id, product, version,
    store, region, posted_at, text, noise, content_hash, own_date, run_id, reading_id)
select source, conversation_id, kind, channel, role, conversation_id, customer_id, product, version,
    store, region, posted_at, '', 'no_text', 0, own_date, run_id, reading_id
from verbatims where id in (select id from ({_RATED}) where place = 1);

insert or ignore into scores
select whole.id, s.number, s.metric, s.value, s.scale_low, s.scale_high
from ({_RATED}) r join verbatims whole on whole.source = r.source and whole.source_id = r.conversation_id
    join scores s on s.verbatim_id = r.id
where r.place = 1 and not exists (select 1 from scores where verbatim_id = whole.id);

delete from scores where verbatim_id in (select id from ({_RATED}));
"""

# They were told apart by their order: RESPONSE/QUESTION and RESPONSE/QUESTION.2, so that the second took the place of the first
# when that was deleted. With an id that no question has, its text tells which question it belongs to (`storage.rewordings`).
_QUESTIONS_ALIKE = """
update verbatims set source_id = source_id || '.1'
where kind = 'survey' and substr(source_id, 1, length(conversation_id) + 1) = conversation_id || '/'
    and exists (select 1 from verbatims other where other.source = verbatims.source and other.source_id = verbatims.source_id || '.2')
"""
