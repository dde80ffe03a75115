-- +goose Up

-- The event by which a payment is accepted, which taking the acceptance back names; null of one that is not, and of one that has not changed
-- since the version before wrote it.
alter table payment_rows add column acceptance text;

-- +goose Down
alter table payment_rows drop column acceptance;
