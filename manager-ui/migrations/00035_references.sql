-- +goose Up

-- What people call a payment by, as its request says; null for one from before there were references.
alter table payments add column reference text collate "C";

-- +goose Down
alter table payments drop column reference;
