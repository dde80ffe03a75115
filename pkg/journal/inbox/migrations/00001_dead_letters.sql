-- +goose Up

-- Messages that could not be recorded. Keys, headers and payloads are whatever bytes a topic
-- held; text columns take neither U+0000 nor invalid UTF-8, so they are not text.
create table dead_letters (
    id          bigint generated always as identity primary key,
    topic       text not null,
    partition   integer not null,
    "offset"    bigint not null,
    key         bytea not null,
    event_id    uuid,                   -- null where the message could not be decoded
    headers     jsonb not null,         -- [{"key": base64, "value": base64}, ...]
    payload     bytea not null,
    time        timestamptz not null,   -- the broker's
    kind        text not null check (kind in ('malformed', 'poison', 'parked')),
    error       text not null,
    attempts    integer not null,
    state       text not null default 'waiting' check (state in ('waiting', 'replayed', 'discarded')),
    recorded_at timestamptz not null default clock_timestamp(),
    settled_at  timestamptz,
    noticed_at  timestamptz,            -- when a notice of it was published
    constraint dead_letters_origin_key unique (topic, partition, "offset")
);

-- A malformed message's key may be too long for an index; the others' are subjects.
create index dead_letters_waiting on dead_letters (topic, key, id) where state = 'waiting' and kind <> 'malformed';
create index dead_letters_unnoticed on dead_letters (id) where noticed_at is null and kind <> 'parked';

-- Keys that have a poison message, behind which later ones are parked.
create table parked_keys (
    topic     text not null,
    key       bytea not null,
    parked_at timestamptz not null default clock_timestamp(),
    primary key (topic, key)
);

-- +goose Down
drop table parked_keys, dead_letters;
