-- +goose Up

-- What the rows of lists come to, by whose they are, part and currency, so that nobody has to count them. A change of a row is a row of its own
-- here, written by the rows' trigger: no writer waits for another, and the version before keeps the sums, too. A part's sum is that of its
-- rows; those that are fresh are merged into one again and again. No statement names a single row, so that none needs a key.
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

-- The part of a contractor's totals that a payment is in, by what became of it. A hold whose release is stuck goes back, and is on its way to
-- nobody. What is to be refunded counts as paid out until it has gone back, as its badge says.
-- +goose StatementBegin
create function payment_part(decision text, money text, final boolean, stuck text) returns text language sql immutable parallel safe as $$
    select case when decision = 'requested' then 'waiting'
                when money = 'captured' then 'paid out'
                when decision = 'accepted' and stuck <> 'release'
                 and (money in ('', 'authorized') or money = 'declined' and not final) then 'accepted'
                else '' end
$$;
create function sum_payment() returns trigger language plpgsql as $$
begin
    insert into sums (list, owner, part, currency, n, minor)
    select 'payments', p.owner, p.part, p.currency, p.n, p.minor
    from (values (old.contractor_id, payment_part(old.decision, old.money, old.final, old.stuck), old.currency, -1, -old.amount_minor),
                 (new.contractor_id, payment_part(new.decision, new.money, new.final, new.stuck), new.currency, 1, new.amount_minor))
        as p (owner, part, currency, n, minor)
    where p.part <> '';
    return null;
end $$;
-- Of orders, those are counted that wait for something.
create function sum_order() returns trigger language plpgsql as $$
begin
    insert into sums (list, owner, part, currency, n, minor)
    select 'orders', o.owner, o.part, '', o.n, 0
    from (values (old.contractor_id, old.state, -1), (new.contractor_id, new.state, 1)) as o (owner, part, n)
    where o.part in ('draft', 'submitted');
    return null;
end $$;
-- +goose StatementEnd

create trigger payments_summed after insert or delete on payment_rows for each row execute function sum_payment();
create trigger payments_summed_again after update of contractor_id, currency, amount_minor, decision, money, final, stuck on payment_rows for each row
    when ((old.contractor_id, old.currency, old.amount_minor, payment_part(old.decision, old.money, old.final, old.stuck))
        is distinct from (new.contractor_id, new.currency, new.amount_minor, payment_part(new.decision, new.money, new.final, new.stuck)))
    execute function sum_payment();
create trigger orders_summed after insert or delete on order_rows for each row execute function sum_order();
create trigger orders_summed_again after update of contractor_id, state on order_rows for each row
    when ((old.contractor_id, old.state) is distinct from (new.contractor_id, new.state)) execute function sum_order();

-- What the sums must be.
create view counted_sums as
    select 'payments' collate "C" as list, contractor_id as owner, payment_part(decision, money, final, stuck) collate "C" as part, currency,
        count(*) as n, sum(amount_minor) as minor
    from payment_rows where payment_part(decision, money, final, stuck) <> '' group by 2, 3, 4
    union all
    select 'orders', contractor_id, state, '', count(*), 0 from order_rows where state in ('draft', 'submitted') group by 2, 3;

-- +goose Down
drop view counted_sums;
drop trigger orders_summed_again on order_rows;
drop trigger orders_summed on order_rows;
drop trigger payments_summed_again on payment_rows;
drop trigger payments_summed on payment_rows;
drop function sum_order, sum_payment, payment_part;
drop table sums;
