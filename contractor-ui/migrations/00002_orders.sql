-- +goose Up
-- The copy of the orders: each as the fold of its stream, for lists. Its lines are read from the journal.
create table orders (
    id              uuid primary key,
    number          text collate "C" not null, -- "" until it is submitted
    contractor_id   text collate "C" not null,
    customer_name   text not null,             -- "" until one is chosen
    lines           integer not null,
    total_minor     bigint not null,
    currency        text collate "C" not null, -- "" without a line
    state           text collate "C" not null,
    drafted_at      timestamptz not null,
    submitted_at    timestamptz,
    expires_at      timestamptz,
    updated_at      timestamptz not null,
    sequence        bigint not null,           -- ordering-core's own version
    revision        bigint not null,
    words           text not null              -- as for payments
) with (fillfactor = 80);

create index orders_newest on orders (contractor_id, drafted_at desc, id desc);
create index orders_newest_by_state on orders (contractor_id, state, drafted_at desc, id desc);

-- As for payments.
create table order_words (
    id    uuid primary key references orders on delete cascade,
    words tsvector not null
);
create index order_words_words on order_words using gin (words) with (fastupdate = off);

-- +goose StatementBegin
create function note_order_words() returns trigger language plpgsql as $$
begin
    insert into order_words (id, words) values (new.id, array_to_tsvector(string_to_array(new.words, ' ')))
    on conflict (id) do update set words = excluded.words;
    return null;
end $$;
-- +goose StatementEnd
create trigger orders_inserted after insert on orders for each row execute function note_order_words();
create trigger orders_reworded after update of words on orders for each row
    when (old.words is distinct from new.words) execute function note_order_words();

-- An order is shown with its payments.
create index payments_of_orders on payments (order_id, requested_at, id) where order_id is not null;

-- +goose Down
drop index payments_of_orders;
drop table order_words, orders;
drop function note_order_words;
