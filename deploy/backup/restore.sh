#!/usr/bin/env bash
# Restores the databases of services from a backup, on whatever server the settings name. No service runs meanwhile.
#
#   deploy/backup/restore.sh SETTINGS FOLDER
#
# SETTINGS is a folder with a file <service>.env for each service: MIGRATE_DATABASE_URL names the owner and the database, which is
# there and empty, and DATABASE_URL the role that serves (docs/operations.md, Roles of the database). The service's own `migrate`
# gives that role its rights, and brings an older backup up to date.
#
#   PG_BIN     the folder of pg_restore and psql; PATH without it
#   BIN        the folder of the services' programs, bin without it
#   SERVICES   those to restore, "payments-core ordering-core contractor-ui manager-ui" without it
set -euo pipefail
[ $# = 2 ] || { echo "usage: restore.sh SETTINGS FOLDER" >&2; exit 2; }
settings=$1 folder=$2
PATH=${PG_BIN:+$PG_BIN:}$PATH
bin=${BIN:-bin}
services=${SERVICES:-payments-core ordering-core contractor-ui manager-ui}
(cd "$folder" && sha256sum --check --quiet SHA256SUMS) || { echo "$folder is not whole: nothing was restored" >&2; exit 1; }
for service in $services; do
	(
		# shellcheck source=/dev/null
		. "$settings/$service.env"
		tables=$(psql --no-psqlrc --tuples-only --no-align --dbname="$MIGRATE_DATABASE_URL" \
			--command="select count(*) from pg_tables where schemaname = 'public'")
		[ "$tables" = 0 ] || { echo "the database of $service has $tables tables, and must be empty: nothing was restored" >&2; exit 1; }
	)
done
for service in $services; do
	(
		# shellcheck source=/dev/null
		. "$settings/$service.env"
		pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --dbname="$MIGRATE_DATABASE_URL" "$folder/$service.dump"
		psql --no-psqlrc --quiet --dbname="$MIGRATE_DATABASE_URL" --command=analyze
		"$bin/$service" migrate
		echo "restored $service"
	)
done
cat <<'END'
Next:
  1. start the cores; where the topics hold what they lack, they wait, and say so
  2. payments-core adopt --dry-run; payments-core adopt --reason "..." --by "..."   (and ordering-core)
  3. start the web apps, which receive what they lack from the topics
  4. countersign reconcile
END
