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
