-- +goose Up
-- Whoever ends a session, on whatever replica or by hand, tells all replicas: their sockets of it are to be closed. One for a
-- statement is enough, however many sessions it ends.
-- +goose StatementBegin
create function sessions_ended() returns trigger language plpgsql as $$
begin
    perform pg_notify('sessions_ended', '');
    return null;
end $$;
-- +goose StatementEnd
create trigger sessions_ended after delete or truncate on sessions for each statement execute function sessions_ended();

-- +goose Down
drop trigger sessions_ended on sessions;
drop function sessions_ended();
