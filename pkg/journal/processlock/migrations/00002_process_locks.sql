-- +goose Up

-- The tables and their columns take the glossary's names. The version before works on the views, which the next release drops.
alter table cases rename to process_locks;
alter table process_locks rename id to process_id;
alter table process_locks rename constraint cases_pkey to process_locks_pkey;
create view cases as select process_id as id from process_locks;

alter table case_members rename to process_members;
alter table process_members rename case_id to process_id;
alter table process_members rename constraint case_members_pkey to process_members_pkey;
alter index case_members_case_id rename to process_members_process_id;
create view case_members as select stream, process_id as case_id from process_members;

-- +goose Down
drop view case_members, cases;
alter index process_members_process_id rename to case_members_case_id;
alter table process_members rename constraint process_members_pkey to case_members_pkey;
alter table process_members rename process_id to case_id;
alter table process_members rename to case_members;
alter table process_locks rename constraint process_locks_pkey to cases_pkey;
alter table process_locks rename process_id to id;
alter table process_locks rename to cases;
