-- +goose Up

-- The table and its column take the glossary's names. The version before works on the view, which the next release drops.
alter table parked_keys rename to quarantined_keys;
alter table quarantined_keys rename parked_at to quarantined_at;
alter table quarantined_keys rename constraint parked_keys_pkey to quarantined_keys_pkey;
create view parked_keys as select topic, key, quarantined_at as parked_at from quarantined_keys;

-- +goose Down
drop view parked_keys;
alter table quarantined_keys rename constraint quarantined_keys_pkey to parked_keys_pkey;
alter table quarantined_keys rename quarantined_at to parked_at;
alter table quarantined_keys rename to parked_keys;
