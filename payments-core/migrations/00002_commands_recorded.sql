-- +goose Up

-- Old commands are deleted by it.
create index commands_recorded on commands (recorded_at);

-- +goose Down
drop index commands_recorded;
