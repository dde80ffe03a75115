-- +goose Up

-- What operators have decided about what this service hears, and why.
create table operator_decisions (
    id         bigint generated always as identity primary key,
    decision   text not null check (decision in ('adopt', 'skip', 'accept-loss')),
    topic      text,            -- null where it is about all topics
    partition  integer,
    "offset"   bigint,
    detail     text not null,   -- what it was about, and what was done
    reason     text not null,
    decided_by text not null,
    decided_at timestamptz not null default clock_timestamp()
);

-- +goose Down
drop table operator_decisions;
