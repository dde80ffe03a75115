-- +goose NO TRANSACTION

-- +goose Up

-- How many rows have an amount is counted from the index alone, up to a bound: each row is somewhere else on the disk. PostgreSQL knows that of
-- an expression only where the index has the columns that it is made of, too.
drop index concurrently if exists payments_by_amount_counted;
create index concurrently payments_by_amount_counted on payment_rows (contractor_id, ((currency || lpad(amount_minor::text, 19, '0')) collate "C"), id) include (currency, amount_minor);
drop index concurrently if exists payments_by_amount;
alter index payments_by_amount_counted rename to payments_by_amount;
drop index concurrently if exists orders_by_total_counted;
create index concurrently orders_by_total_counted
    on order_rows (contractor_id, ((case when state = 'draft' or currency = '' then '' else currency || lpad(total_minor::text, 19, '0') end) collate "C"), id)
    include (state, currency, total_minor);
drop index concurrently if exists orders_by_total;
alter index orders_by_total_counted rename to orders_by_total;
-- What an expression is like is known of its index once that is analyzed.
analyze payment_rows, order_rows;

-- +goose Down
-- An index with more columns serves the version before as well.
select;
