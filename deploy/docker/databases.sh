#!/bin/sh
# Makes, for each service, a database with a role that owns it, a role that serves, and no access for any other. It comes before the
# migrations at each `docker compose up`, and may run any number of times, on volumes of any age: what is there stays as it is, what is
# missing is made, and the roles get today's passwords. What the role that serves may do, the service's migrate says. PGHOST, PGUSER and
# PGPASSWORD say where, and as which superuser.
set -eu
role() { # name, variable with the password
	# psql reads the password from the environment: as an argument, everybody on the machine could see it.
	psql -v ON_ERROR_STOP=1 -qXd postgres -v name="$1" -v variable="$2" <<'SQL'
\getenv password :variable
select format('create role %I login', :'name') where not exists (select from pg_roles where rolname = :'name') \gexec
alter role :"name" login password :'password';
SQL
}
make() { # name of database and owner, beginning of the variables with the passwords
	role "$1" "$2_OWNER_PASSWORD"
	role "$1_service" "$2_PASSWORD"
	psql -v ON_ERROR_STOP=1 -qXd postgres -v name="$1" <<'SQL'
select format('create database %I owner %I', :'name', :'name') where not exists (select from pg_database where datname = :'name') \gexec
revoke all on database :"name" from public;
SQL
}
make contractor_ui CONTRACTOR_UI
make manager_ui MANAGER_UI
make payments_core PAYMENTS_CORE
make ordering_core ORDERING_CORE
make sandbox_gateway SANDBOX_GATEWAY
psql -v ON_ERROR_STOP=1 -qXd postgres <<'SQL'
revoke connect on database postgres, template1 from public;
SQL
