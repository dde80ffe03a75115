-- +goose NO TRANSACTION

-- +goose Up

-- Keyset pages of a contractor's payments by amount and by description, of the tab "All" and of the others. The expressions are those of
-- pkg/readmodel/sort.go.
drop index concurrently if exists payments_by_amount;
create index concurrently payments_by_amount on payment_rows (contractor_id, ((currency || lpad(amount_minor::text, 19, '0')) collate "C"), id);
drop index concurrently if exists payments_decision_by_amount;
create index concurrently payments_decision_by_amount
    on payment_rows (contractor_id, decision, ((currency || lpad(amount_minor::text, 19, '0')) collate "C"), id);
drop index concurrently if exists payments_by_description;
create index concurrently payments_by_description on payment_rows (contractor_id, (left(description, 40) collate "und-x-icu"), id);
drop index concurrently if exists payments_decision_by_description;
create index concurrently payments_decision_by_description on payment_rows (contractor_id, decision, (left(description, 40) collate "und-x-icu"), id);
-- What an expression is like is known of its index once that is analyzed.
analyze payment_rows;

-- +goose Down
drop index payments_decision_by_description, payments_by_description, payments_decision_by_amount, payments_by_amount;
