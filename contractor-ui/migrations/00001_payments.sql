-- +goose Up
-- The copy: each payment as the fold of its stream, for lists.
create table payments (
    id              uuid primary key,
    contractor_id   text collate "C" not null,
    contractor_name text not null,
    amount_minor    bigint not null,
    currency        text collate "C" not null,
    description     text not null,
    order_id        uuid,
    supersedes      uuid,
    capture_method  text not null,
    decision        text collate "C" not null,
    decided_by_name text not null,
    decided_at      timestamptz,
    money           text collate "C" not null,
    final           boolean not null,
    pending         boolean not null,
    requested_at    timestamptz not null,
    updated_at      timestamptz not null,
    revision        bigint not null,
    -- The words of the description, and the contractor as one more: a search never reads another one's rows. Without the
    -- characters of which PostgreSQL's parser makes tags, addresses and paths, in whose middle nothing would be found.
    words           tsvector not null generated always as
                    (to_tsvector('simple', translate(description, '<>/-.@_&:+=%~?#', '               '))
                    || array_to_tsvector(array['@' || contractor_id])) stored
) with (fillfactor = 80);

-- Page 10,000 of a tab is a range of its index, as page 2 is.
create index payments_newest on payments (contractor_id, requested_at desc, id desc);
create index payments_newest_by_decision on payments (contractor_id, decision, requested_at desc, id desc);
-- Totals are read from the index alone.
create index payments_totals on payments (contractor_id, decision, money, currency, final) include (amount_minor);
create index payments_words on payments using gin (words) with (fastupdate = off);

-- Which payment asks again for which. A payment is superseded once: the first one stays.
create table supersessions (
    superseded    uuid primary key,
    superseded_by uuid not null unique
);

-- +goose Down
drop table supersessions;
drop table payments;
