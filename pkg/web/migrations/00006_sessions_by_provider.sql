-- +goose NO TRANSACTION
-- +goose Up

drop index concurrently if exists sessions_by_provider;
create index concurrently sessions_by_provider on sessions (provider_session) where provider_session is not null;

-- +goose Down
drop index concurrently if exists sessions_by_provider;
