-- +goose Up

-- What the latest preview of a file compared it with, as JSON; null: nobody has looked yet.
alter table uploads add column seen bytea;

-- +goose Down
alter table uploads drop column seen;
