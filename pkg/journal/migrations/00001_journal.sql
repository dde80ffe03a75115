-- +goose Up

-- One row per stream. Whoever appends to a stream, notes in it or refolds it holds this row.
create table streams (
    stream  text primary key,
    version bigint not null default 0, -- events in the journal
    log     bigint not null default 0  -- of those, events heard from the topic
) with (fillfactor = 70);

-- Every event that this service wrote or heard. Never changed, but for log and origin when
-- an event of our own comes back. There is no index on log, so that noting it stays cheap
-- (a heap-only update); the stream's row makes it unique.
create table journal (
    position       bigint generated always as identity primary key,
    stream         text not null,
    version        bigint not null,
    log            bigint,          -- 1, 2, 3 ... in the topic's order; null while pending
    event_id       uuid not null,
    type           text not null,
    source         text not null,
    subject        text not null,
    time           timestamptz not null,
    data_schema    text not null,
    sequence       bigint not null,
    correlation_id text not null,
    causation_id   text not null,
    actor          text not null,
    actor_name     text not null,
    trace_parent   text not null,
    data           jsonb not null,
    topic          text,            -- where Kafka holds it: information only
    partition      integer,
    "offset"       bigint,
    recorded_at    timestamptz not null default clock_timestamp(),
    constraint journal_event_id_key unique (event_id),
    constraint journal_stream_version_key unique (stream, version)
) with (fillfactor = 85);

-- Positions that Kafka has not acknowledged.
create table outbox (
    position bigint primary key
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- Streams whose change has not been pushed to open pages: one row for every append and every
-- confirmation. (A row per stream would not do: a change after the rendering must leave a
-- row of its own.)
create table unpushed (
    id     bigint generated always as identity primary key,
    stream text not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- The one cluster that this journal belongs to.
create table cluster (
    only_row   boolean primary key default true check (only_row),
    cluster_id text not null
);

-- +goose Down
drop table cluster, unpushed, outbox, journal, streams;
