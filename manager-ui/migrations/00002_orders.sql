-- +goose Up

-- The managers' copy of every order: a fold of its stream of the journal, with what the lists show.
-- An order's page folds the journal itself.
create table orders (
    id              uuid primary key,
    revision        bigint not null,  -- of the stream: appends and confirmations
    sequence        bigint not null,  -- ordering-core's own version
    number          text not null,    -- '' until it is submitted
    contractor_id   text collate "C" not null,
    contractor_name text not null,
    customer_id     uuid,             -- null until one is chosen
    customer_name   text not null,
    total           bigint not null,  -- minor units
    currency        text not null,    -- '' without a line
    state           text collate "C" not null, -- draft, submitted, paid, expired or cancelled
    drafted_at      timestamptz not null,
    submitted_at    timestamptz,
    expires_at      timestamptz,
    updated_at      timestamptz not null,
    words           text not null     -- as in payments
) with (fillfactor = 80);

-- Keyset pages: the tab "All" and the others, of everybody, of a contractor and of a customer.
create index orders_drafted on orders (drafted_at, id);
create index orders_state_drafted on orders (state, drafted_at, id);
create index orders_contractor_drafted on orders (contractor_id, drafted_at, id);
create index orders_customer_drafted on orders (customer_id, drafted_at, id) where customer_id is not null;

-- As for payments.
create table order_words (
    order_id uuid primary key references orders on delete cascade,
    search   tsvector not null
);
create index order_words_search on order_words using gin (search) with (fastupdate = off);

-- +goose StatementBegin
create function note_order_words() returns trigger language plpgsql as $$
begin
    insert into order_words (order_id, search) values (new.id, array_to_tsvector(string_to_array(new.words, ' ')))
    on conflict (order_id) do update set search = excluded.search;
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
