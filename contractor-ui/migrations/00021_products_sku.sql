-- +goose Up
-- To find the one product that has the SKU that somebody typed.
create index products_sku on products (lower(sku)) where not archived;

-- +goose Down
drop index products_sku;
