-- +goose Up

-- What a draft's total is reckoned from, at the prices of the moment; null of an order that is none, and of a draft that has not changed
-- since the version before wrote it.
alter table orders add column draft jsonb;

-- +goose Down
alter table orders drop column draft;
