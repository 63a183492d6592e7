alter table verbatims add column version text;
alter table verbatims add column votes integer;
