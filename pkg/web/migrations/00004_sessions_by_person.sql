-- +goose NO TRANSACTION
-- +goose Up

drop index concurrently if exists sessions_by_person;
create index concurrently sessions_by_person on sessions (person);

-- +goose Down
drop index concurrently if exists sessions_by_person;
