-- +goose Up

-- The last number given in each month. The row is held until the submit has committed, so that there are no gaps.
create table numbers (
    month text primary key, -- 2026/11, in the configured time zone
    last  bigint not null check (last >= 1)
) with (fillfactor = 50);

-- A number is given once, whatever the counter says. Confirming an event touches neither column, so it stays cheap.
create unique index journal_order_number on journal ((data->>'number'))
    where type = 'order_submitted' and source = '/ordering-core';

-- When each order that lives ends by itself.
create table deadlines (
    order_id text primary key,
    due_at   timestamptz not null, -- what the order says; for a draft at the earliest, since edits do not move it
    sweep_at timestamptz not null, -- when to look at it: due_at, or later while a payment holds it back or after a failure
    failures integer not null default 0,
    last_error text not null default ''
);
create index deadlines_sweep_at on deadlines (sweep_at);

-- +goose Down
drop table deadlines, numbers;
drop index journal_order_number;
