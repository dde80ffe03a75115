-- +goose Up

-- The version before reads all columns of what is called payments, by statements that it has prepared: it gets them from a view.
alter table payments rename to payment_rows;
create view payments as select * from payment_rows;

-- What people call a payment by, as its request says; null for one from before there were references.
alter table payment_rows add column reference text collate "C";

-- A year's next number is the sequence's next, less the year's base. Whoever takes one waits for nobody; numbers that nothing came of are gaps.
create sequence payment_references;
create table reference_years (
    year int primary key,
    base bigint not null -- what the sequence's numbers are less than the year's
);

-- +goose Down
drop table reference_years;
drop sequence payment_references;
alter table payment_rows drop column reference;
drop view payments;
alter table payment_rows rename to payments;
