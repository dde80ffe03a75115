-- +goose Up

-- The managers' copy of every payment: a fold of its stream of the journal, with what the lists show.
-- A payment's page folds the journal itself.
create table payments (
    id              uuid primary key,
    revision        bigint not null,  -- of the stream: appends and confirmations
    contractor_id   text not null,
    contractor_name text not null,
    amount          bigint not null,  -- minor units
    currency        text not null,
    description     text not null,
    supersedes      uuid,             -- the payment that this one asks for again
    capture_method  text not null,
    decision        text not null,    -- requested, accepted, rejected, withdrawn or cancelled
    money           text not null,    -- '', authorized, declined, captured, released or refunded
    final           boolean not null, -- declined, and not tried again
    decided_by_name text not null,    -- '' while nobody has decided
    decided_at      timestamptz,
    requested_at    timestamptz not null,
    updated_at      timestamptz not null,
    pending         boolean not null, -- shows something that the log has not confirmed

    -- The words to find it by, each once, in lower case. They are cut by the same Go code that cuts what is
    -- searched for, since PostgreSQL's own parser depends on the database's locale and takes 2026/11/42 for a file.
    words           text not null,
    search          tsvector not null generated always as (array_to_tsvector(string_to_array(words, ' '))) stored
);

-- Keyset pages: the tab "All", and the others.
create index payments_requested on payments (requested_at, id);
create index payments_decision_requested on payments (decision, requested_at, id);
create index payments_search on payments using gin (search);
create index payments_supersedes on payments (supersedes) where supersedes is not null;
-- What waits, in each currency, is answered from the index.
create index payments_waiting on payments (currency) include (amount) where decision = 'requested';

-- +goose Down
drop table payments;
