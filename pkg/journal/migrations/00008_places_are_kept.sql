-- +goose Up

-- A place in the log, and the signature that came with it, are noted once. Whoever serves may update these columns, and would otherwise be
-- able to give events another order, or to lose what proves them. The other columns it may not update at all.
-- +goose StatementBegin
create function journal_places_are_kept() returns trigger language plpgsql as $$
begin
	raise exception 'event % has its place in the journal, and keeps it', old.event_id using errcode = 'restrict_violation';
end
$$;
-- +goose StatementEnd

create trigger journal_places_are_kept before update of log, topic, partition, "offset", key_id, signature, signed_attributes on journal
	for each row when (old.log is not null) execute function journal_places_are_kept();

-- +goose Down
drop trigger journal_places_are_kept on journal;
drop function journal_places_are_kept;
