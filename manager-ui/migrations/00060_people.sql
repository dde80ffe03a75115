-- +goose Up

-- The people who use the apps, each as the fold of their stream.
create table people (
    id         uuid primary key,
    revision   bigint not null,  -- of the stream: appends and confirmations
    person     text not null,    -- as sessions and payments call them
    name       text not null,
    address    text not null,    -- of e-mail; may be empty
    roles      text not null,    -- in words
    sessions   bigint not null,  -- open ones in both apps, when they were last seen
    seen_at    timestamptz not null,
    blocked    boolean not null,
    limits     jsonb not null,   -- up to which amounts they may accept: minor units by currency
    sort       text collate "C" not null,
    words      text not null,
    found      tsvector not null generated always as (search_lexemes(words)) stored
);
create index people_by_name on people (sort collate "und-x-icu", id);
create index people_blocked on people (blocked, sort collate "und-x-icu", id);
create index people_found on people using gin (found);

-- +goose Down
drop table people;
