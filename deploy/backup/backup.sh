#!/usr/bin/env bash
# Backs up the database of each service, each as it is at one moment, while everything runs.
#
#   deploy/backup/backup.sh SETTINGS FOLDER
#
# SETTINGS is a folder with a file <service>.env for each service, as `make run` writes them into .local: MIGRATE_DATABASE_URL
# in it is the owner's address. FOLDER is made; it holds people's data: keep it where the databases may be kept.
#
#   PG_BIN     the folder of pg_dump, of the server's version or a later one; PATH without it
#   SERVICES   those to back up, "payments-core ordering-core contractor-ui manager-ui" without it
set -euo pipefail
[ $# = 2 ] || { echo "usage: backup.sh SETTINGS FOLDER" >&2; exit 2; }
settings=$1 folder=$2
PATH=${PG_BIN:+$PG_BIN:}$PATH
umask 077
mkdir "$folder" || { echo "$folder: a backup gets a new folder; nothing was backed up" >&2; exit 2; }
pids=()
for service in ${SERVICES:-payments-core ordering-core contractor-ui manager-ui}; do
	(
		# shellcheck source=/dev/null
		. "$settings/$service.env"
		pg_dump --format=custom --no-owner --no-privileges --file="$folder/$service.dump" --dbname="${MIGRATE_DATABASE_URL:-$DATABASE_URL}"
	) &
	pids+=($!)
done
failed=0
for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
[ $failed = 0 ] || { echo "$folder is no backup: something is missing, see above" >&2; exit 1; }
# Without this file it is no backup: restore.sh asks for it.
(cd "$folder" && sha256sum -- *.dump >sums.part && mv sums.part SHA256SUMS)
echo "backed up into $folder: $(du -sh "$folder" | cut -f1), taken at $(date -u +%FT%TZ)"
