-- +goose Up
-- The newest entry that Redis is known to have held. A stream that ends before it has lost its tail.
create table live_head (
    app    text primary key,
    epoch  text not null,
    ms     bigint not null,
    seq    bigint not null
);

-- Audiences whose badges and totals may have changed since they were pushed. `marks` counts the changes, so that one that
-- comes while they are being rendered is not taken for pushed.
create table live_stale (
    app       text not null,
    audience  text not null,
    marks     bigint not null default 1,
    primary key (app, audience)
);

-- +goose Down
drop table live_stale;
drop table live_head;
