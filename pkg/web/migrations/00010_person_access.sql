-- +goose Up

-- Who may use the app, of those of whom anything is known: the fold of what is on record about them. Whoever is not here may.
create table person_access (
    id      uuid primary key,     -- of the stream
    person  text not null unique, -- as sessions call them
    blocked boolean not null,
    by_name text not null,        -- who blocked them
    at      timestamptz not null  -- when
);

-- +goose Down
drop table person_access;
