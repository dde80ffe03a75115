-- +goose Up

-- SKUs are told apart by what people see of them: case and width make no difference (NFKC and case folding, as Unicode has them).
-- +goose StatementBegin
create function fold_sku(sku text) returns text language sql immutable strict parallel safe
return lower(upper(normalize(sku, nfkc) collate "und-x-icu") collate "und-x-icu") collate "C";
-- +goose StatementEnd

-- small: a catalog has some thousands of products.
-- Those that were the same already stay as they are: all but the oldest are exempt until their SKU is changed.
alter table products add column doubled boolean not null default false;
update products p set doubled = true where not archived and exists (select from products other where not other.archived
    and fold_sku(other.sku) = fold_sku(p.sku) and (other.changed_at, other.id) < (p.changed_at, p.id));
create unique index products_sku_folded on products (fold_sku(sku)) where not archived and not doubled;
create index products_sku_fold on products (fold_sku(sku)) where not archived; -- to find them by, those that are exempt as well

-- +goose Down
drop index products_sku_fold, products_sku_folded;
alter table products drop column doubled;
drop function fold_sku;
