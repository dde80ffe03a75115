-- +goose Up
create table holds (
    reference   text primary key,
    payment_id  text not null,
    amount      bigint not null check (amount > 0),     -- minor units, as are the three below
    currency    text not null,
    captured    bigint not null default 0 check (captured >= 0),
    released    bigint not null default 0 check (released >= 0),
    refunded    bigint not null default 0 check (refunded between 0 and captured),
    ended       boolean not null default false,         -- by the bank, before its time
    expires_at  timestamptz not null,
    description text not null,
    check (captured + released <= amount)
);

-- One row per idempotency key. The row is the lock of its key, and outlives tries that fail.
create table requests (
    key         text collate "C" primary key,
    fingerprint bytea not null,                         -- of the whole request
    kind        text not null check (kind in ('authorize', 'capture', 'release', 'refund')),
    payment_id  text not null,
    reference   text references holds,                  -- null: no hold
    amount      bigint not null,
    tries       integer not null default 1,             -- until there was an answer
    outcome     text check (outcome in ('approved', 'refused')),
    answer      text,                                   -- as sent, byte for byte; null: no definite answer yet
    answered_at timestamptz,
    check ((answer is null) = (outcome is null) and (answer is null) = (answered_at is null))
);
create index requests_of_payment on requests (payment_id, key);
create index requests_of_hold on requests (reference);

-- +goose Down
drop table requests;
drop table holds;
