-- +goose Up
-- What asks again for a payment is read from that: written into the payment's row it was a lock on another stream's row.
alter table payments drop column superseded_by;

-- +goose Down
alter table payments add column superseded_by uuid;
update payments p set superseded_by = (select n.id from payments n
    where n.supersedes = p.id and n.contractor_id = p.contractor_id order by n.requested_at, n.id limit 1);
