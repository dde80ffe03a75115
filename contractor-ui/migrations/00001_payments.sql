-- +goose Up
-- The copy: each payment as the fold of its stream, for lists.
create table payments (
    id              uuid primary key,
    contractor_id   text collate "C" not null,
    contractor_name text not null,
    amount_minor    bigint not null,
    currency        text collate "C" not null,
    description     text not null,
    order_id        uuid,
    supersedes      uuid,
    superseded_by   uuid,
    capture_method  text not null,
    decision        text collate "C" not null,
    decided_by_name text not null,
    decided_at      timestamptz,
    money           text collate "C" not null,
    final           boolean not null,
    pending         boolean not null,
    requested_at    timestamptz not null,
    updated_at      timestamptz not null,
    revision        bigint not null,
    words           text not null -- to find it by: those of the description, and whose it is
) with (fillfactor = 80);

-- Page 10,000 of a tab is a range of its index, as page 2 is.
create index payments_newest on payments (contractor_id, requested_at desc, id desc);
create index payments_newest_by_decision on payments (contractor_id, decision, requested_at desc, id desc);
-- Totals are read from the index alone.
create index payments_totals on payments (contractor_id, decision, money, currency, final) include (amount_minor);

-- What a payment is found by. Apart from its row: that changes with every event, and each time would write every
-- word's place in the index again.
create table payment_words (
    id    uuid primary key references payments on delete cascade,
    words tsvector not null
);
create index payment_words_words on payment_words using gin (words) with (fastupdate = off);

-- +goose StatementBegin
create function note_payment_words() returns trigger language plpgsql as $$
begin
    insert into payment_words (id, words) values (new.id, array_to_tsvector(string_to_array(new.words, ' ')))
    on conflict (id) do update set words = excluded.words;
    return null;
end $$;
-- +goose StatementEnd
create trigger payments_inserted after insert on payments for each row execute function note_payment_words();
create trigger payments_reworded after update of words on payments for each row
    when (old.words is distinct from new.words) execute function note_payment_words();

-- Which payment asks again for which. A payment is superseded once: the first one stays.
create table supersessions (
    superseded    uuid primary key,
    superseded_by uuid not null unique
);

-- +goose Down
drop table supersessions, payment_words, payments;
drop function note_payment_words;
