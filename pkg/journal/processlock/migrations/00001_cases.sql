-- +goose Up

-- One row per case. Who records an event of one of its streams holds this row before any stream.
create table cases (
    id text primary key
);

-- Which streams belong to which case. Rows are never changed.
create table case_members (
    stream  text not null,
    case_id text not null,
    primary key (stream, case_id)
);
create index case_members_case_id on case_members (case_id);

-- +goose Down
drop table case_members, cases;
