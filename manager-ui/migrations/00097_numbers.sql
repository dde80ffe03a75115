-- +goose Up

-- Numbers are a reading of the journal that may lag a moment: who leads "numbers" folds the payments of each new event, and adds to the sums what
-- has changed of them.

-- How far the journal is read.
create table number_progress (
    only_row boolean primary key default true check (only_row),
    token    bigint not null default 0,      -- of the lease by which was written last
    position bigint not null default 0,      -- up to here nothing is left to read
    seen     bigint not null default 0,      -- up to here it was read
    bound    bigint not null default 0,      -- once all transactions before this one have ended, nothing comes in between
    as_of    timestamptz                      -- when everything was counted last; null if it never was
);
insert into number_progress default values;

-- What the sums have of each payment, so that a change of it is a difference.
create table number_facts (
    payment       uuid primary key,
    contractor    text collate "C" not null,
    currency      text collate "C" not null,
    minor         bigint not null,
    waiting       boolean not null,
    requested_at  timestamptz not null,
    accepted_at   timestamptz,
    rejected_at   timestamptz,
    withdrawn_at  timestamptz,
    cancelled_at  timestamptz,
    captured_at   timestamptz,
    captured      bigint not null,
    released_at   timestamptz,
    released      bigint not null,
    refunded_at   timestamptz,
    refunded      bigint not null,
    declined_at   timestamptz[] not null, -- of each decline, in their order
    decline_codes text[] not null         -- and the gateway's codes of them
);

-- How many of each kind there were in a span of time, and what they come to. Spans are quarters of an hour, hours, days and months of UTC: the
-- days of every time zone are made of them.
create table number_sums (
    span     text collate "C" not null,   -- quarter, hour, day or month
    at       timestamptz not null,        -- when it begins
    currency text collate "C" not null,
    kind     text collate "C" not null,   -- requested, accepted ...; decided: time to decision; waiting: of what waits now, by when it was requested
    detail   text collate "C" not null,   -- of declined the code, of decided the class of the time
    n        bigint not null,
    minor    numeric not null,
    primary key (span, at, currency, kind, detail)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- The same of each contractor.
create table number_contractor_sums (
    span       text collate "C" not null,
    at         timestamptz not null,
    contractor text collate "C" not null,
    currency   text collate "C" not null,
    kind       text collate "C" not null, -- requested, accepted, rejected, captured or refunded
    n          bigint not null,
    minor      numeric not null,
    primary key (span, at, contractor, currency, kind)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

create table number_contractors (
    contractor text collate "C" primary key,
    name       text not null              -- as of their latest request that was read
);

-- +goose Down
drop table number_contractors, number_contractor_sums, number_sums, number_facts, number_progress;
