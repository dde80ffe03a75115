-- +goose Up

-- What callers of the API asked, and what they were answered.
create table commands (
    caller      text not null,
    key         text not null,        -- Idempotency-Key
    fingerprint bytea not null,       -- SHA-256 of method, path and body
    status      integer not null default 0,
    answer      jsonb,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (caller, key)
);

-- Old commands are deleted by it.
create index commands_recorded on commands (recorded_at);

-- +goose Down
drop table commands;
