-- +goose Up

-- New rows are noted for the search and in the sums once for a statement, however many it writes, and not row by row. What a row is found by
-- goes with it by a trigger, too: the foreign key that did it looked up and locked each row that had just been written.

-- +goose StatementBegin
create function note_new_payments() returns trigger language plpgsql as $$
begin
    insert into payment_search_terms (id, lexemes, raw)
    select id, case when is_raw then '' else array_to_tsvector(string_to_array(words, ' ')) end, case when is_raw then words end
    from (select id, words, left(words, 1) = '^' as is_raw from came) as came
    on conflict (id) do update set lexemes = excluded.lexemes, raw = excluded.raw;
    insert into sums (list, owner, part, currency, n, minor)
    select 'payments', contractor_id, part, currency, 1, amount_minor
    from (select *, payment_part(decision, money, final, stuck) as part from came) as came where part <> '';
    return null;
end $$;
create function forget_payment_search_terms() returns trigger language plpgsql as $$
begin
    delete from payment_search_terms where id in (select id from gone);
    return null;
end $$;
-- +goose StatementEnd
create or replace trigger payments_inserted after insert on payment_rows referencing new table as came for each statement execute function note_new_payments();
create or replace trigger payments_summed after delete on payment_rows for each row execute function sum_payment();
create trigger payments_forgotten after delete on payment_rows referencing old table as gone for each statement
    execute function forget_payment_search_terms();
alter table payment_search_terms drop constraint payment_search_terms_id_fkey;

-- +goose StatementBegin
create function note_new_orders() returns trigger language plpgsql as $$
begin
    insert into order_search_terms (id, lexemes, raw)
    select id, case when is_raw then '' else array_to_tsvector(string_to_array(words, ' ')) end, case when is_raw then words end
    from (select id, words, left(words, 1) = '^' as is_raw from came) as came
    on conflict (id) do update set lexemes = excluded.lexemes, raw = excluded.raw;
    insert into sums (list, owner, part, currency, n, minor)
    select 'orders', contractor_id, state, '', 1, 0 from came where state in ('draft', 'submitted');
    return null;
end $$;
create function forget_order_search_terms() returns trigger language plpgsql as $$
begin
    delete from order_search_terms where id in (select id from gone);
    return null;
end $$;
-- +goose StatementEnd
create or replace trigger orders_inserted after insert on order_rows referencing new table as came for each statement execute function note_new_orders();
create or replace trigger orders_summed after delete on order_rows for each row execute function sum_order();
create trigger orders_forgotten after delete on order_rows referencing old table as gone for each statement
    execute function forget_order_search_terms();
alter table order_search_terms drop constraint order_search_terms_id_fkey;

-- +goose Down
alter table order_search_terms add constraint order_search_terms_id_fkey foreign key (id) references order_rows on delete cascade;
drop trigger orders_forgotten on order_rows;
create or replace trigger orders_summed after insert or delete on order_rows for each row execute function sum_order();
create or replace trigger orders_inserted after insert on order_rows for each row execute function note_order_search_terms();
drop function forget_order_search_terms, note_new_orders;
alter table payment_search_terms add constraint payment_search_terms_id_fkey foreign key (id) references payment_rows on delete cascade;
drop trigger payments_forgotten on payment_rows;
create or replace trigger payments_summed after insert or delete on payment_rows for each row execute function sum_payment();
create or replace trigger payments_inserted after insert on payment_rows for each row execute function note_payment_search_terms();
drop function forget_payment_search_terms, note_new_payments;
