-- +goose NO TRANSACTION

-- +goose Up
drop index concurrently if exists payment_words_raw;
create index concurrently payment_words_raw on payment_words (id) where raw is not null;
drop index concurrently if exists order_words_raw;
create index concurrently order_words_raw on order_words (id) where raw is not null;
drop index concurrently if exists products_found;
create index concurrently products_found on products using gin (found);
drop index concurrently if exists customers_found;
create index concurrently customers_found on customers using gin (found);
-- Lists by name are in the order in which people look for it: an accent or a capital makes no other letter.
drop index concurrently if exists products_by_name;
create index concurrently products_by_name on products (sort collate "und-x-icu", id) where not archived;
drop index concurrently if exists customers_by_name;
create index concurrently customers_by_name on customers (sort collate "und-x-icu", id) where not archived;

-- +goose Down
drop index customers_by_name, products_by_name, customers_found, products_found, order_words_raw, payment_words_raw;
