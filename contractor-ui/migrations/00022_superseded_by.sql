-- +goose Up
-- What asks again for a payment is read where it stands, in supersessions: written into the payment's row it was a lock on
-- another stream's row.
alter table payments drop column superseded_by;

-- +goose Down
alter table payments add column superseded_by uuid;
update payments set superseded_by = s.superseded_by from supersessions s where s.superseded = payments.id;
