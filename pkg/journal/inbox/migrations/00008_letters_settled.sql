-- +goose NO TRANSACTION
-- +goose Up

-- Dead letters that were settled, as people look at them: also where a great many others wait, or were settled otherwise.
drop index concurrently if exists dead_letters_settled_since;
create index concurrently dead_letters_settled_since on dead_letters (state, recorded_at, id) where state <> 'waiting';

-- +goose Down
drop index concurrently if exists dead_letters_settled_since;
