-- +goose Up
-- The processes of the service. Each writes its own row every two seconds; what has said nothing for ten minutes is deleted.
create table replicas (
	name       text primary key,      -- host and process, as in leases
	role       text not null,         -- web, consumer or all
	started_at timestamptz not null,  -- by the process' clock
	seen_at    timestamptz not null,  -- by this server's clock
	state      jsonb not null         -- what it says of itself
) with (fillfactor = 50);

-- +goose Down
drop table replicas;
