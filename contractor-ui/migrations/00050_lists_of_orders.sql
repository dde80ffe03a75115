-- +goose NO TRANSACTION

-- +goose Up

-- Keyset pages of a contractor's orders by total and by customer, whatever their state. The expressions are those of
-- ordering-core/orderview/row.go and pkg/readmodel/sort.go.
drop index concurrently if exists orders_by_total;
create index concurrently orders_by_total on order_rows
    (contractor_id, ((case when state = 'draft' or currency = '' then '' else currency || lpad(total_minor::text, 19, '0') end) collate "C"), id);
drop index concurrently if exists orders_by_customer;
create index concurrently orders_by_customer on order_rows (contractor_id, (left(customer_name, 40) collate "und-x-icu"), id);
-- What an expression is like is known of its index once that is analyzed.
analyze order_rows;

-- +goose Down
drop index orders_by_customer, orders_by_total;
