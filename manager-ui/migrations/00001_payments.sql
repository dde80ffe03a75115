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
    order_id        uuid,             -- the order it pays, if any
    supersedes      uuid,             -- the payment that this one asks for again
    superseded_by   uuid,             -- the payment that asks for this one again
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
    words           text not null
) with (fillfactor = 80);

-- Keyset pages: the tab "All", and the others.
create index payments_requested on payments (requested_at, id);
create index payments_decision_requested on payments (decision, requested_at, id);
create index payments_supersedes on payments (supersedes) where supersedes is not null;
-- What waits, in each currency, is answered from the index.
create index payments_waiting on payments (currency) include (amount) where decision = 'requested';

-- The index of the words. Apart from the payment's row: that changes with every event, and each time would write
-- every word's place in the index again.
create table payment_words (
    payment_id uuid primary key references payments on delete cascade,
    search     tsvector not null
);
create index payment_words_search on payment_words using gin (search) with (fastupdate = off);

-- +goose StatementBegin
create function note_payment_words() returns trigger language plpgsql as $$
begin
    insert into payment_words (payment_id, search) values (new.id, array_to_tsvector(string_to_array(new.words, ' ')))
    on conflict (payment_id) do update set search = excluded.search;
    return null;
end $$;
-- +goose StatementEnd
create trigger payments_inserted after insert on payments for each row execute function note_payment_words();
create trigger payments_reworded after update of words on payments for each row
    when (old.words is distinct from new.words) execute function note_payment_words();

-- +goose Down
drop table payment_words, payments;
drop function note_payment_words;
