"""The views people read, in Datasette or with `sqlite3 feedback.db`. No code of the product computes from them.

They say in SQL what `storage.figures` and `feedback.journey` count: only customers' words are opinions, `effective` is 1 for
rows that are neither a copy nor noise, and where a row adds up several, `raw` counts all of them, everything else the
effective ones. `net` = (positive - negative) / effective. Days and weeks (their Monday) are China's, UTC+8, whatever the
project's time zone: SQLite knows no zones, one offset can't follow a zone with summer time, and a function of ours would be
missing in plain `sqlite3`. `posted_at` stays UTC, and the digest reckons with the project's zone itself.
"""

import sqlite3

CHINA_OFFSET_MINUTES = 480


def create_views(connection: sqlite3.Connection, utc_offset_minutes: int = CHINA_OFFSET_MINUTES) -> bool:
    """Bring the views to this version's definitions; False, and nothing written, when they are so already.

    Written only then, so that opening a database needs no write lock. A view somebody else made under another name stays.
    A transaction that is open stays open.
    """
    wanted = {
        # In capitals because that is how SQLite keeps the first words of the statement.
        name: f"CREATE VIEW {name} as\n{body.strip().replace('{offset}', f'{utc_offset_minutes:+d} minutes')}"
        for name, body in _VIEWS.items()
    }
    found = dict(connection.execute("select name, sql from sqlite_master where type = 'view'").fetchall())
    if all(found.get(name) == sql for name, sql in wanted.items()):
        return False
    connection.execute("savepoint views")
    try:
        for name, sql in wanted.items():
            connection.execute(f"drop view if exists {name}")
            connection.execute(sql)
    except BaseException:
        connection.execute("rollback to views")
        raise
    finally:
        connection.execute("release views")
    return True


def view_names() -> list[str]:
    return list(_VIEWS)


_COUNTS = """count(*) as raw,
    sum(effective) as effective,
    sum(effective and sentiment = 'positive') as positive,
    sum(effective and sentiment = 'neutral') as neutral,
    sum(effective and sentiment = 'negative') as negative,
    round(1.0 * (sum(effective and sentiment = 'positive') - sum(effective and sentiment = 'negative'))
        / nullif(sum(effective), 0), 3) as net"""

_VIEWS = {
    # One row per segment of a customer's verbatim. substr() counts code points from 1, offsets count them from 0.
    "opinions": """
select
    s.id as segment_id,
    substr(v.text, s.start + 1, s.end - s.start) as text,
    s.stage,
    s.sentiment,
    s.intent,
    (select group_concat(aspect, '；')
     from (select aspect from mentions where segment_id = s.id group by aspect order by min(start))) as aspects,
    v.channel,
    v.product,
    v.version,
    v.store,
    date(v.posted_at, '{offset}') as posted_on,
    v.kind,
    v.region,
    v.votes,
    v.duplicate_of is null and v.noise is null as effective,
    v.noise,
    v.duplicate_of,
    s.sentiment_score,
    s.stage_confidence,
    s.sentiment_confidence,
    s.intent_confidence,
    v.posted_at,
    v.conversation_id,
    s.verbatim_id
from segments s join verbatims v on v.id = s.verbatim_id
where v.role = 'customer'
""",
    # One row per aspect named in a segment. Praised and blamed in the same segment, it is neutral. Subqueries instead of
    # GROUP BY, and CROSS JOIN, which fixes the order of the loops: SQLite can walk the dates and stop after a page.
    "aspect_opinions": """
select
    m.aspect,
    (select case sum(distinct case sentiment when 'positive' then 1 when 'negative' then -1 else 0 end)
                when 1 then 'positive' when -1 then 'negative' else 'neutral' end
     from mentions where segment_id = m.segment_id and aspect = m.aspect) as sentiment,
    substr(v.text, s.start + 1, s.end - s.start) as text,
    (select group_concat(opinion, '；')
     from (select opinion from mentions
           where segment_id = m.segment_id and aspect = m.aspect and opinion is not null
           group by opinion order by min(opinion_start))) as opinion_words,
    s.stage,
    v.channel,
    v.product,
    v.version,
    v.store,
    date(v.posted_at, '{offset}') as posted_on,
    v.duplicate_of is null and v.noise is null as effective,
    v.posted_at,
    m.segment_id,
    s.verbatim_id
from verbatims v cross join segments s on s.verbatim_id = v.id cross join mentions m on m.segment_id = s.id
where v.role = 'customer'
    and m.id = (select min(id) from mentions where segment_id = m.segment_id and aspect = m.aspect)
""",
    "aspect_sentiment": f"""
select aspect, stage, channel,
    {_COUNTS}
from (select m.aspect, s.stage, v.channel, v.duplicate_of is null and v.noise is null as effective,
             case sum(distinct case m.sentiment when 'positive' then 1 when 'negative' then -1 else 0 end)
                 when 1 then 'positive' when -1 then 'negative' else 'neutral' end as sentiment
      from mentions m join segments s on s.id = m.segment_id join verbatims v on v.id = s.verbatim_id
      where v.role = 'customer'
      group by m.segment_id, m.aspect)
group by aspect, stage, channel
""",
    # A week without a date is the undated verbatims', shown as NULL.
    "weekly_stage_sentiment": f"""
select date(posted_on, 'weekday 0', '-6 days') as week, stage,
    {_COUNTS}
from (select date(v.posted_at, '{{offset}}') as posted_on, s.stage, s.sentiment,
             v.duplicate_of is null and v.noise is null as effective
      from segments s join verbatims v on v.id = s.verbatim_id
      where v.role = 'customer')
group by 1, 2
""",
    # One row per segment of a customer's verbatim, whether it belongs to a topic or not.
    "topic_opinions": """
select
    t.topic_id,
    topics.label as topic,
    substr(v.text, s.start + 1, s.end - s.start) as text,
    s.sentiment,
    s.stage,
    v.channel,
    v.product,
    v.version,
    v.store,
    date(v.posted_at, '{offset}') as posted_on,
    v.duplicate_of is null and v.noise is null as effective,
    t.similarity,
    v.posted_at,
    s.id as segment_id,
    s.verbatim_id
from segments s join verbatims v on v.id = s.verbatim_id
    left join segment_topics t on t.segment_id = s.id left join topics on topics.id = t.topic_id
where v.role = 'customer'
""",
    "topic_sentiment": f"""
select topic_id, topic, keywords, pinned, hidden,
    {_COUNTS}
from (select t.topic_id, topics.label as topic, topics.keywords, topics.pinned, topics.hidden, s.sentiment,
             v.duplicate_of is null and v.noise is null as effective
      from segments s join verbatims v on v.id = s.verbatim_id
          left join segment_topics t on t.segment_id = s.id left join topics on topics.id = t.topic_id
      where v.role = 'customer')
group by topic_id
""",
    # One row per conversation or survey response, whole. What holds a response's ratings alone is no turn of it.
    "conversations": """
select
    c.source,
    c.conversation_id,
    c.kind,
    c.channel,
    c.turns,
    c.customer_turns,
    (select group_concat(line, char(10))
     from (select case when t.kind = 'survey' and t.text = '' then
                           (select '评分：' || group_concat(upper(metric) || printf(' %g（%g–%g）', value, scale_low, scale_high), '，')
                            from scores where verbatim_id = t.id)
                       when t.kind = 'survey' then coalesce('问：' || t.question || char(10), '') || '答：' || t.text
                       else case t.role when 'customer' then '客户：' when 'agent' then '客服：' else '机器人：' end || t.text
                  end as line
           from verbatims t
           where t.source = c.source and t.conversation_id = c.conversation_id
           order by t.turn, t.posted_at, t.id)) as transcript,
    (select count(*)
     from verbatims t join segments s on s.verbatim_id = t.id
     where t.source = c.source and t.conversation_id = c.conversation_id
         and t.role = 'customer' and s.sentiment = 'negative') as negative_opinions,
    c.started_at,
    c.ended_at,
    c.first_verbatim_id
from (select source, conversation_id, min(kind) as kind, min(channel) as channel,
             sum(kind != 'survey' or text != '') as turns,
             sum(role = 'customer' and (kind != 'survey' or text != '')) as customer_turns, min(posted_at) as started_at, max(posted_at) as ended_at,
             min(id) as first_verbatim_id
      from verbatims where conversation_id is not null group by source, conversation_id) c
""",
    # One row per score, beside the words of its verbatim; of a survey, whose ratings are records of their own, those of the
    # response. `counted` is 0 where the digest leaves it out: stars a platform gives by default or that stand on copied
    # templates, and a survey response's score on any but its first answer.
    "ratings": """
select
    c.metric,
    c.value,
    c.scale_low,
    c.scale_high,
    case when v.kind = 'survey' and v.text = '' then coalesce(
        (select group_concat(text, char(10))
         from (select text from verbatims w
               where w.source = v.source and w.conversation_id = v.conversation_id and w.text != '' order by turn, id)), '')
        else v.text end as text,
    v.channel,
    v.product,
    v.version,
    v.store,
    date(v.posted_at, '{offset}') as posted_on,
    v.votes,
    case when v.kind = 'survey' and v.text = '' then
        (select round(avg(s.sentiment_score), 3) from verbatims w join segments s on s.verbatim_id = w.id
         where w.source = v.source and w.conversation_id = v.conversation_id)
        else (select round(avg(sentiment_score), 3) from segments where verbatim_id = v.id) end as sentiment_score,
    coalesce(v.noise not in ('default_review', 'copied_template', 'company_reply'), 1)
        and not (v.kind = 'survey' and v.conversation_id is not null and exists (
            select 1 from verbatims f join scores d on d.verbatim_id = f.id
            where f.source = v.source and f.conversation_id = v.conversation_id and f.id < v.id
                and f.kind = 'survey' and f.role = 'customer'
                and coalesce(f.noise not in ('default_review', 'copied_template', 'company_reply'), 1)
                and d.metric = c.metric and d.scale_low = c.scale_low and d.scale_high = c.scale_high)) as counted,
    v.posted_at,
    v.id as verbatim_id
from scores c join verbatims v on v.id = c.verbatim_id
where v.role = 'customer'
""",
    "rejected_rows": """
select
    r.id as reject_id,
    r.reason,
    r.location,
    r.excerpt,
    r.stored,
    r.source,
    r.part,
    u.started_at as collected_at,
    r.run_id
from rejects r left join runs u on u.id = r.run_id
""",
    # A finding of a digest beside every segment it rests on.
    "finding_evidence": """
select
    f.id as finding_id,
    f.kind,
    f.stage,
    f.aspect,
    substr(v.text, s.start + 1, s.end - s.start) as text,
    s.sentiment,
    v.channel,
    date(v.posted_at, '{offset}') as posted_on,
    f.period_kind,
    f.period_start,
    f.period_end,
    f.rank,
    e.segment_id,
    s.verbatim_id
from findings f join evidence e on e.finding_id = f.id
    join segments s on s.id = e.segment_id join verbatims v on v.id = s.verbatim_id
""",
}
