-- +goose Up

-- What the security log has told lately, for people to look at. The log itself is what the service prints.
create table security_log (
    id      bigint generated always as identity primary key,
    at      timestamptz not null,
    kind    text not null, -- what events of a kind are looked at together
    event   text not null,
    person  text not null, -- empty where nobody is known
    session text not null,
    address text not null,
    details text not null
);
create index security_log_by_time on security_log (at);
create index security_log_by_kind on security_log (kind, id);
create index security_log_by_person on security_log (person, id);

-- +goose Down
drop table security_log;
