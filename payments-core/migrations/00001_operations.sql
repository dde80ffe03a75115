-- +goose Up

-- Every call to the gateway: opened before it is made, closed with the event of its outcome.
create table operations (
    id             bigint generated always as identity primary key,
    payment_id     text not null,
    kind           text not null check (kind in ('authorize', 'capture', 'release', 'refund')),
    n              integer not null check (n >= 1), -- definitive refusals of this kind so far + 1
    key            text generated always as (payment_id || ':' || kind || ':' || n) stored, -- the idempotency key
    state          text not null default 'open' check (state in ('open', 'succeeded', 'failed')),
    amount         bigint not null check (amount > 0), -- minor units
    currency       text not null,
    reason         text not null default '',
    hold_reference text not null default '', -- the gateway's name of what is captured, released or refunded

    -- on whose behalf, and as part of what
    actor          text not null default '',
    actor_name     text not null default '',
    correlation_id text not null default '',
    causation_id   text not null default '',
    trace_parent   text not null default '',

    gateway_reference text not null default '', -- of the outcome
    hold_expires_at   timestamptz,              -- of an authorization that succeeded
    opened_at      timestamptz not null default clock_timestamp(),
    closed_at      timestamptz,
    attempts       integer not null default 0,  -- answers and failures so far
    last_error     text not null default '',
    final          boolean not null default false, -- the refusal is for good
    constraint operations_closed check ((state = 'open') = (closed_at is null)),
    constraint operations_key unique (payment_id, kind, n)
);

-- The gateway is asked one thing about a payment at a time, and nothing that has succeeded again.
create unique index operations_one_open on operations (payment_id) where state = 'open';
create unique index operations_succeeded_once on operations (payment_id, kind) where state = 'succeeded';

-- +goose Down
drop table operations;
