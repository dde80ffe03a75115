-- +goose Up

-- The version before reads all columns of what is called payments, by statements that it has prepared: it gets them from a view.
alter table payments rename to payment_rows;
create view payments as select * from payment_rows;

-- What people call a payment by, as its request says; null for one from before there were references.
alter table payment_rows add column reference text collate "C";

-- +goose Down
alter table payment_rows drop column reference;
drop view payments;
alter table payment_rows rename to payments;
