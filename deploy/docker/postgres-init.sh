#!/bin/sh
# Runs once, when the PostgreSQL container's volume is empty: a database and a role for each service, into
# which no other service's role may connect.
set -eu
create() { # name of both, password
	psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres -v name="$1" -v password="$2" <<'SQL'
create role :"name" login password :'password';
create database :"name" owner :"name";
revoke all on database :"name" from public;
SQL
}
create contractor_ui "$CONTRACTOR_UI_PASSWORD"
create manager_ui "$MANAGER_UI_PASSWORD"
create payments_core "$PAYMENTS_CORE_PASSWORD"
create ordering_core "$ORDERING_CORE_PASSWORD"
create sandbox_gateway "$SANDBOX_GATEWAY_PASSWORD"
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres <<'SQL'
revoke connect on database postgres from public;
revoke connect on database template1 from public;
SQL
