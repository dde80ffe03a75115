-- +goose Up
create table leases (
	name       text primary key,
	holder     text not null,         -- host and process, for people
	token      bigint not null,       -- grows with every term
	expires_at timestamptz not null   -- by this server's clock
);

-- +goose Down
drop table leases;
