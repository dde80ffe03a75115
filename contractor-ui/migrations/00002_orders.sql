-- +goose Up
-- The copy of the orders: each as the fold of its stream, for lists. Its lines are read from the journal.
create table orders (
    id              uuid primary key,
    number          text collate "C" not null, -- "" until it is submitted
    contractor_id   text collate "C" not null,
    customer_name   text not null,             -- "" until one is chosen
    lines           integer not null,
    contents        text not null,             -- names and SKUs of the lines, to be found by
    total_minor     bigint not null,
    currency        text collate "C" not null, -- "" without a line
    state           text collate "C" not null,
    drafted_at      timestamptz not null,
    submitted_at    timestamptz,
    expires_at      timestamptz,
    updated_at      timestamptz not null,
    sequence        bigint not null,           -- ordering-core's own version
    revision        bigint not null,
    -- As for payments; a number is found by its last part without the zeros, too.
    words           tsvector not null generated always as
                    (to_tsvector('simple', translate(number || ' ' || ltrim(split_part(number, '/', 3), '0') || ' ' || customer_name || ' ' || contents,
                        '<>/-.@_&:+=%~?#', '               '))
                    || array_to_tsvector(array['@' || contractor_id])) stored
) with (fillfactor = 80);

create index orders_newest on orders (contractor_id, drafted_at desc, id desc);
create index orders_newest_by_state on orders (contractor_id, state, drafted_at desc, id desc);
create index orders_words on orders using gin (words) with (fastupdate = off);

-- An order is shown with its payments.
create index payments_of_orders on payments (order_id, requested_at, id) where order_id is not null;

-- +goose Down
drop index payments_of_orders;
drop table orders;
