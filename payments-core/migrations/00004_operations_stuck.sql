-- +goose NO TRANSACTION
-- +goose Up

-- What is stuck, for the alarm and the list.
drop index concurrently if exists operations_stuck;
create index concurrently operations_stuck on operations (stuck_at) where stuck_at is not null and closed_at is null;

-- +goose Down
drop index concurrently if exists operations_stuck;
