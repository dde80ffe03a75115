-- +goose Up

-- What can be ordered, and by whom: as it is now. Its history is the journal's. The keys are SKU and address as they
-- are told apart, in small letters; an archived row lets go of its key.
create table products (
    id              uuid primary key,
    sku             text not null,
    sku_key         text collate "C" not null,
    name            text not null,
    price           bigint not null check (price > 0), -- minor units
    currency        text collate "C" not null,
    archived        boolean not null,
    sequence        bigint not null,                   -- of the event that made it so: what a change expects
    changed_at      timestamptz not null,
    changed_by_name text not null
);
create unique index products_sku on products (sku_key) where not archived;

create table customers (
    id              uuid primary key,
    name            text not null,
    email           text not null,
    email_key       text collate "C" not null,
    archived        boolean not null,
    sequence        bigint not null,
    changed_at      timestamptz not null,
    changed_by_name text not null
);
create unique index customers_email on customers (email_key) where not archived;

-- +goose Down
drop table customers, products;
