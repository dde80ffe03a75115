-- +goose Up

-- What the rows of lists come to, by whose they are (nobody's here), part and currency, so that nobody has to count them. A change of a row
-- is a row of its own here, written by the rows' trigger: no writer waits for another, and the version before keeps the sums, too. A part's
-- sum is that of its rows; those that are fresh are merged into one again and again. No statement names a single row, so that none needs a key.
create table sums (
    list     text collate "C" not null,
    owner    text collate "C" not null,
    part     text collate "C" not null,
    currency text collate "C" not null,
    n        bigint not null,  -- rows that came, less those that went
    minor    numeric not null, -- and what they are of
    fresh    boolean not null default true
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000);
create index sums_of on sums (list, owner, part, currency);
create index sums_fresh on sums (list) where fresh;

-- Of payments and orders those are counted that wait for something.
-- +goose StatementBegin
create function sum_payment() returns trigger language plpgsql as $$
begin
    insert into sums (list, owner, part, currency, n, minor)
    select 'payments', '', p.part, p.currency, p.n, p.minor
    from (values (old.decision, old.currency, -1, -old.amount), (new.decision, new.currency, 1, new.amount)) as p (part, currency, n, minor)
    where p.part = 'requested';
    return null;
end $$;
create function sum_order() returns trigger language plpgsql as $$
begin
    insert into sums (list, owner, part, currency, n, minor)
    select 'orders', '', o.part, '', o.n, 0 from (values (old.state, -1), (new.state, 1)) as o (part, n)
    where o.part in ('draft', 'submitted');
    return null;
end $$;
-- +goose StatementEnd

create trigger payments_summed after insert or delete on payment_rows for each row execute function sum_payment();
create trigger payments_summed_again after update of currency, amount, decision on payment_rows for each row
    when ((old.currency, old.amount, old.decision) is distinct from (new.currency, new.amount, new.decision)) execute function sum_payment();
create trigger orders_summed after insert or delete on order_rows for each row execute function sum_order();
create trigger orders_summed_again after update of state on order_rows for each row
    when (old.state is distinct from new.state) execute function sum_order();

-- What the sums must be.
create view counted_sums as
    select 'payments' collate "C" as list, '' collate "C" as owner, decision collate "C" as part, currency collate "C" as currency,
        count(*) as n, sum(amount) as minor
    from payment_rows where decision = 'requested' group by 3, 4
    union all
    select 'orders', '', state, '', count(*), 0 from order_rows where state in ('draft', 'submitted') group by 3;

-- +goose Down
drop view counted_sums;
drop trigger orders_summed_again on order_rows;
drop trigger orders_summed on order_rows;
drop trigger payments_summed_again on payment_rows;
drop trigger payments_summed on payment_rows;
drop function sum_order, sum_payment;
drop table sums;
