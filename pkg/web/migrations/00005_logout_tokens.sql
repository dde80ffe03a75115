-- +goose Up

-- Tokens by which the sign-in provider has ended sessions: each counts once. They are kept until they have expired.
create table logout_tokens (
    id     text primary key, -- the hash of its jti
    expiry timestamptz not null
);
create index logout_tokens_expiry on logout_tokens (expiry);

-- +goose Down
drop table logout_tokens;
