delete from withdrawals
where source in (select source from readings where contents = 'live') and source_id like '%:%';
