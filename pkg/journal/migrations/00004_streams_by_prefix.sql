-- +goose NO TRANSACTION
-- +goose Up

-- The streams of a kind, one after the other, whatever the database's language: what a rebuild walks through.
drop index concurrently if exists streams_by_prefix;
create index concurrently streams_by_prefix on streams (stream collate "C");

-- +goose Down
drop index concurrently if exists streams_by_prefix;
