-- +goose NO TRANSACTION

-- +goose Up
create index concurrently if not exists payment_words_raw on payment_words (payment_id) where raw is not null;
create index concurrently if not exists order_words_raw on order_words (order_id) where raw is not null;
create index concurrently if not exists products_found on products using gin (found);
create index concurrently if not exists customers_found on customers using gin (found);
-- Lists by name are in the order in which people look for it: an accent or a capital makes no other letter.
create index concurrently if not exists products_by_name on products (archived, sort collate "und-x-icu", id);
create index concurrently if not exists customers_by_name on customers (archived, sort collate "und-x-icu", id);

-- +goose Down
drop index customers_by_name, products_by_name, customers_found, products_found, order_words_raw, payment_words_raw;
