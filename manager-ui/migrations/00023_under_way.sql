-- +goose Up

-- What payments-core was asked for and has taken, a capture or a release of a hold. It always comes to an event, by which the payment is
-- captured or released; what is here stays, so that what is shown of the payment only grows (see copy.Payment.Shown).
create table under_way (
    payment_id uuid primary key,
    kind       text not null check (kind in ('capture', 'release')),
    by_name    text not null,
    at         timestamptz not null
);

-- +goose Down
drop table under_way;
