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
    words      text not null,             -- to find it by
    search     tsvector not null generated always as (array_to_tsvector(string_to_array(words, ' '))) stored
);
create index products_sorted on products (sort, id) where not archived;
create index products_search on products using gin (search) with (fastupdate = off);

create table customers (
    id         uuid primary key,
    name       text not null,
    email      text not null,
    archived   boolean not null,
    sequence   bigint not null,
    revision   bigint not null,
    updated_at timestamptz not null,
    sort       text collate "C" not null,
    words      text not null,             -- to find it by
    search     tsvector not null generated always as (array_to_tsvector(string_to_array(words, ' '))) stored
);
create index customers_sorted on customers (sort, id) where not archived;
create index customers_search on customers using gin (search) with (fastupdate = off);

-- +goose Down
drop table customers, products;
