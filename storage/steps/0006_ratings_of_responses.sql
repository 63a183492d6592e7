-- Which sources are Formbricks', the store is not told. Its collector alone ever made void for good what has the id of a response
-- to which there are answers: a record of the response itself, when its ratings moved to an answer.
create temp table formbricks as
select distinct v.source from withdrawals w join verbatims v on v.source = w.source and v.conversation_id = w.source_id
where v.source in (select source from readings where contents = 'live')
    and substr(v.source_id, 1, length(v.conversation_id) + 1) = v.conversation_id || '/';

-- Which of a response's answers had its ratings changed with the survey, and an earlier one kept them: those written last count.
create temp table rated as
select id, source, conversation_id,
    row_number() over (partition by source, conversation_id order by run_id desc, id desc) as place
from verbatims v
where source in (select source from formbricks)
    and substr(source_id, 1, length(conversation_id) + 1) = conversation_id || '/'
    and kind = 'survey' and exists (select 1 from scores where verbatim_id = v.id);

delete from withdrawals where (source, source_id) in (
    select source, conversation_id from verbatims
    where source in (select source from formbricks)
        and substr(source_id, 1, length(conversation_id) + 1) = conversation_id || '/'
);

insert or ignore into verbatims (source, source_id, kind, channel, role, conversation_id, customer_id, product, version,
    store, region, posted_at, text, noise, content_hash, own_date, run_id, reading_id)
select source, conversation_id, kind, channel, role, conversation_id, customer_id, product, version,
    store, region, posted_at, '', 'no_text', 0, own_date, run_id, reading_id
from verbatims where id in (select id from rated where place = 1);

insert or ignore into scores
select whole.id, s.number, s.metric, s.value, s.scale_low, s.scale_high
from rated r join verbatims whole on whole.source = r.source and whole.source_id = r.conversation_id
    join scores s on s.verbatim_id = r.id
where r.place = 1 and not exists (select 1 from scores where verbatim_id = whole.id);

delete from scores where verbatim_id in (select id from rated);

-- Whatever they are told as the next time is then what is stored.
update verbatims set content_hash = 0 where id in (select id from rated);

drop table rated;
drop table formbricks
