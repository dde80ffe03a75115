-- +goose NO TRANSACTION

-- +goose Up
-- Who has a customer in a draft is told when they are archived.
drop index concurrently if exists orders_drafts_by_customer;
create index concurrently orders_drafts_by_customer on order_rows ((draft->>'customer_id')) where state = 'draft';

-- +goose Down
drop index orders_drafts_by_customer;
