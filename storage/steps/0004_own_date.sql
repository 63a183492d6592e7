alter table verbatims add column own_date integer;
