-- +goose NO TRANSACTION
-- +goose Up

-- Dead letters as people look at them, the newest first; and as a task goes through those that wait.
drop index concurrently if exists dead_letters_waiting_since;
create index concurrently dead_letters_waiting_since on dead_letters (recorded_at, id) where state = 'waiting';
drop index concurrently if exists dead_letters_since;
create index concurrently dead_letters_since on dead_letters (recorded_at, id);
drop index concurrently if exists dead_letters_waiting_places;
create index concurrently dead_letters_waiting_places on dead_letters (topic, partition, "offset") where state = 'waiting';

-- +goose Down
drop index concurrently if exists dead_letters_waiting_places;
drop index concurrently if exists dead_letters_since;
drop index concurrently if exists dead_letters_waiting_since;
