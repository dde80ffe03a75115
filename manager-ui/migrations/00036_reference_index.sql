-- +goose NO TRANSACTION

-- +goose Up
-- A reference leads to its payment. It is not unique: what somebody has forged is
-- shown, too.
drop index concurrently if exists payments_reference;
create index concurrently payments_reference on payment_rows (reference) where reference is not null;

-- +goose Down
drop index payments_reference;
