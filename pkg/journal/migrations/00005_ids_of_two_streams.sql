-- +goose NO TRANSACTION
-- +goose Up

-- An event's id counts within its stream, since only there the topic says which event was first: whoever writes to another topic could
-- otherwise take an id before the event that it belongs to is received. The version before relies on the uniqueness of event_id. Until
-- that is dropped, the later row of an id that two streams have keeps the id here, and has one of its own in event_id.
alter table journal add column if not exists shared_id uuid;
drop index concurrently if exists journal_shared_id;
create index concurrently journal_shared_id on journal (shared_id) where shared_id is not null;

-- +goose Down
drop index concurrently if exists journal_shared_id;
alter table journal drop column if exists shared_id;
