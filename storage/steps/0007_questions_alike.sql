-- They were told apart by their order: RESPONSE/QUESTION and RESPONSE/QUESTION.2, so that the second took the place of the first
-- when that was deleted. With an id that no question has, its text tells which question it belongs to (`storage.rewordings`).
update verbatims set source_id = source_id || '.1'
where kind = 'survey' and source not in (select source from readings where contents = 'live')
    and substr(source_id, 1, length(conversation_id) + 1) = conversation_id || '/'
    and exists (select 1 from verbatims other where other.source = verbatims.source and other.source_id = verbatims.source_id || '.2')
