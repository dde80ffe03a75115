-- +goose Up

-- Which offset of each partition comes next, as far as this database knows: it may be a moment late, and is never early.
create table hearing (
    topic     text not null,
    partition integer not null,
    first     bigint not null, -- where this database began to hear it
    heard     bigint not null, -- the next offset
    target    bigint not null, -- where the partition ended when this database began
    began_at  timestamptz not null default now(),
    primary key (topic, partition)
);

-- There is a row while copies are made of what topics held before this database began to hear them. Nothing is pushed to open
-- pages until the pusher, with all targets reached, has made them refresh, and deletes it.
create table catching_up (
    only_row boolean primary key default true check (only_row),
    marks    bigint not null default 1, -- changes when there is more to catch up with
    began_at timestamptz not null default now()
);

-- +goose Down
drop table catching_up, hearing;
