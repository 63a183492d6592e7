-- Nothing has written to the two tables that are replaced.
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
