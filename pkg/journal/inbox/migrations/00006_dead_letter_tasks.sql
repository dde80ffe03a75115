-- +goose Up

-- What operators have a service do with its dead letters in the background, and what came of it. It stays, as the record
-- of who decided what, and why.
create table dead_letter_tasks (
    id            bigint generated always as identity primary key,
    action        text not null check (action in ('try', 'replay', 'discard')),
    selection     jsonb not null,              -- which dead letters
    up_to         bigint not null,             -- those with greater ids came later
    reason        text not null,
    asked_by      text not null,               -- who, and as people are shown who it was
    asked_by_name text not null,
    asked_at      timestamptz not null default clock_timestamp(),
    token         bigint not null default 0,   -- the fencing token of who carries it out
    total         bigint,                      -- chosen dead letters; null until it begins
    settled       bigint not null default 0,   -- with those that waited behind them
    failed        bigint not null default 0,
    left_out      bigint not null default 0,   -- of a try: they stay behind one that fails, or are too many behind one
    failures      jsonb not null default '[]', -- the first of them: [{"dead_letter": 1, "error": "..."}, ...]
    phase         integer not null default 0,  -- how far it is: the kinds come one after the other, each in the topics' order
    topic         text not null default '',
    partition     integer not null default -1,
    "offset"      bigint not null default 0,
    current       bigint,                      -- the dead letter that is being dealt with
    begun_at      timestamptz,
    moved_at      timestamptz,                 -- when it last got on
    stopped_by    text,                        -- who has asked that it stop
    stopped_at    timestamptz,
    ended_at      timestamptz
);

create index dead_letter_tasks_open on dead_letter_tasks (id) where ended_at is null;

-- The task that has last dealt with a dead letter.
alter table dead_letters add column task bigint;

-- +goose Down
alter table dead_letters drop column task;
drop table dead_letter_tasks;
