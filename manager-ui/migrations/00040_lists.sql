-- +goose NO TRANSACTION

-- +goose Up

-- Keyset pages of payments by amount and by contractor, of the tab "All" and of the others; and a contractor's payments. The expressions
-- are those of pkg/readmodel/sort.go.
drop index concurrently if exists payments_by_amount;
create index concurrently payments_by_amount on payment_rows (((currency || lpad(amount::text, 19, '0')) collate "C"), id);
drop index concurrently if exists payments_decision_by_amount;
create index concurrently payments_decision_by_amount on payment_rows (decision, ((currency || lpad(amount::text, 19, '0')) collate "C"), id);
drop index concurrently if exists payments_by_contractor;
create index concurrently payments_by_contractor on payment_rows ((left(contractor_name, 40) collate "und-x-icu"), id);
drop index concurrently if exists payments_decision_by_contractor;
create index concurrently payments_decision_by_contractor on payment_rows (decision, (left(contractor_name, 40) collate "und-x-icu"), id);
drop index concurrently if exists payments_of_contractor;
create index concurrently payments_of_contractor on payment_rows (contractor_id, requested_at, id);
-- What an expression is like is known of its index once that is analyzed.
analyze payment_rows;

-- +goose Down
drop index payments_of_contractor, payments_decision_by_contractor, payments_by_contractor, payments_decision_by_amount, payments_by_amount;
