-- +goose Up
-- The copies of the products and of the customers, each as the fold of its stream, to choose from.
create table products (
    id         uuid primary key,
    sku        text not null,
    name       text not null,
    price      bigint not null,           -- minor units
    currency   text collate "C" not null,
    archived   boolean not null,
    sequence   bigint not null,           -- ordering-core's own version
    revision   bigint not null,
    updated_at timestamptz not null,
    sort       text collate "C" not null, -- the beginning of the name, by which lists are ordered
    words      tsvector not null generated always as
               (to_tsvector('simple', translate(sku || ' ' || name, '<>/-.@_&:+=%~?#', '               '))) stored
);
create index products_sorted on products (sort, id) where not archived;
create index products_words on products using gin (words) with (fastupdate = off);

create table customers (
    id         uuid primary key,
    name       text not null,
    email      text not null,
    archived   boolean not null,
    sequence   bigint not null,
    revision   bigint not null,
    updated_at timestamptz not null,
    sort       text collate "C" not null,
    words      tsvector not null generated always as
               (to_tsvector('simple', translate(name || ' ' || email, '<>/-.@_&:+=%~?#', '               '))) stored
);
create index customers_sorted on customers (sort, id) where not archived;
create index customers_words on customers using gin (words) with (fastupdate = off);

-- +goose Down
drop table customers, products;
