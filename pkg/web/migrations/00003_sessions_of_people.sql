-- +goose Up

-- A token is kept as the SHA-256 of what the browser has, in hexadecimal. The version before keeps the token itself and knows nothing
-- of these columns: each version finds its own sessions only, and people sign in again.
alter table sessions
    add column person           text, -- whose it is
    add column browser          text, -- which browser, in words
    add column provider_session text, -- the sid of whoever signed the person in, who may end it
    add column began            timestamptz not null default now(),
    add column seen             timestamptz not null default now(), -- a minute late at most
    add column deadline         timestamptz; -- expiry grows with each use, up to here

-- +goose Down
alter table sessions drop column person, drop column browser, drop column provider_session, drop column began, drop column seen, drop column deadline;
