-- +goose Up

-- The managers' copies of the products and of the customers, each as the fold of its stream.
create table products (
    id         uuid primary key,
    revision   bigint not null,           -- of the stream: appends and confirmations
    sequence   bigint not null,           -- ordering-core's own version: what a change expects
    sku        text not null,
    sku_key    text collate "C" not null, -- in small letters, as SKUs are told apart
    name       text not null,
    price      bigint not null,           -- minor units
    currency   text not null,
    archived   boolean not null,
    updated_at timestamptz not null,
    sort       text collate "C" not null, -- the beginning of the name, by which lists are ordered
    words      text not null,             -- as in payments
    search     tsvector not null generated always as (array_to_tsvector(string_to_array(words, ' '))) stored
);
create index products_sorted on products (archived, sort, id);
create index products_sku on products (sku_key) where not archived;
create index products_search on products using gin (search);

create table customers (
    id         uuid primary key,
    revision   bigint not null,
    sequence   bigint not null,
    name       text not null,
    email      text not null,
    email_key  text collate "C" not null,
    archived   boolean not null,
    updated_at timestamptz not null,
    sort       text collate "C" not null,
    words      text not null,
    search     tsvector not null generated always as (array_to_tsvector(string_to_array(words, ' '))) stored
);
create index customers_sorted on customers (archived, sort, id);
create index customers_email on customers (email_key) where not archived;
create index customers_search on customers using gin (search);

-- Files between their preview and their import.
create table uploads (
    id         uuid primary key,
    kind       text not null, -- products or customers
    content    bytea not null,
    created_at timestamptz not null default now()
);
create index uploads_created on uploads (created_at);

-- +goose Down
drop table uploads, customers, products;
