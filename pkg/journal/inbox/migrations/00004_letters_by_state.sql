-- +goose NO TRANSACTION
-- +goose Up

-- Letters stay for ever, and most are settled: those that wait are counted by kind, and the messages of old settled ones emptied,
-- without reading the others.
drop index concurrently if exists dead_letters_waiting_kinds;
create index concurrently dead_letters_waiting_kinds on dead_letters (kind, id) where state = 'waiting';
drop index concurrently if exists dead_letters_settled;
create index concurrently dead_letters_settled on dead_letters (settled_at) where state <> 'waiting' and payload <> '';

-- +goose Down
drop index concurrently if exists dead_letters_settled;
drop index concurrently if exists dead_letters_waiting_kinds;
