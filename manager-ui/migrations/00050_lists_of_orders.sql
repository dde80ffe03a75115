-- +goose NO TRANSACTION

-- +goose Up

-- Keyset pages of orders by total, by customer and by contractor, whatever their state. The expressions are those of
-- ordering-core/orderview/row.go and pkg/readmodel/sort.go.
drop index concurrently if exists orders_by_total;
create index concurrently orders_by_total
    on order_rows (((case when state = 'draft' or currency = '' then '' else currency || lpad(total::text, 19, '0') end) collate "C"), id);
drop index concurrently if exists orders_by_customer;
create index concurrently orders_by_customer on order_rows ((left(customer_name, 40) collate "und-x-icu"), id);
drop index concurrently if exists orders_by_contractor;
create index concurrently orders_by_contractor on order_rows ((left(contractor_name, 40) collate "und-x-icu"), id);

-- The same of products by SKU and by price, and of customers by address.
drop index concurrently if exists products_by_sku;
create index concurrently products_by_sku on products (archived, (left(sku, 40) collate "und-x-icu"), id);
drop index concurrently if exists products_by_price;
create index concurrently products_by_price on products (archived, ((currency || lpad(price::text, 19, '0')) collate "C"), id);
drop index concurrently if exists customers_by_email;
create index concurrently customers_by_email on customers (archived, (left(email, 40) collate "und-x-icu"), id);
-- What an expression is like is known of its index once that is analyzed.
analyze order_rows, products, customers;

-- +goose Down
drop index customers_by_email, products_by_price, products_by_sku, orders_by_contractor,
    orders_by_customer, orders_by_total;
