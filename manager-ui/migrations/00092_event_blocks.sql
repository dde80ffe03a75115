-- +goose Up

-- What is in each block of 1,024 positions of the journal, so that a look for something rare skips the blocks that cannot have it. A follower
-- makes them of the journal, a moment late; who appends pays nothing for them. They can be deleted at any time: they are made again.
create table event_blocks (
    block      bigint primary key,  -- of the positions block * 1024 to block * 1024 + 1023
    first_time timestamptz,         -- of its events: when the earliest one happened; null for a block without events
    last_time  timestamptz,
    marks      integer[] not null   -- numbers made of the types, writers, actors and words of its events: see manager-ui/internal/history/marks.go
);

-- Without a list of what waits: a look would have to go through it.
create index event_blocks_by_mark on event_blocks using gin (marks) with (fastupdate = off);

-- +goose Down
drop table event_blocks;
