-- +goose NO TRANSACTION

-- +goose Up

-- A row says by which transaction it was written, and a merged one up to which nothing older of its list and owner is left: whoever reads begins
-- there, and does not walk over what was merged before, which stays as long as somebody's snapshot may see it.
alter table sums
    add column if not exists xid bigint not null default (pg_current_xact_id()::text::bigint),
    add column if not exists upto bigint; -- null where the version before has merged
drop index concurrently if exists sums_since;
create index concurrently sums_since on sums (list, owner, xid);
drop index concurrently if exists sums_merged;
create index concurrently sums_merged on sums (list, owner, xid) where not fresh;
drop index concurrently if exists sums_pending;
create index concurrently sums_pending on sums (xid) where fresh;
-- The version before merges without them, from a table that is small.
drop index concurrently if exists sums_of;
drop index concurrently if exists sums_fresh;

-- +goose Down
create index sums_of on sums (list, owner, part, currency);
create index sums_fresh on sums (list) where fresh;
drop index sums_pending, sums_merged, sums_since;
alter table sums drop column upto, drop column xid;
