-- +goose Up

-- The version before reads all columns of what is called orders, by statements that it has prepared: it gets them from a view.
alter table orders rename to order_rows;
create view orders as select * from order_rows;

-- What a draft's total is reckoned from, at the prices of the moment; null of an order that is none, and of a draft that has not changed
-- since the version before wrote it.
alter table order_rows add column draft jsonb;

-- +goose Down
alter table order_rows drop column draft;
drop view orders;
alter table order_rows rename to orders;
