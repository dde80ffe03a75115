#!/bin/bash
# As the official image's entrypoint: initdb once, then the scripts against a server that listens on its socket only, then the server.
set -eu
[ "$1" = postgres ] || exec "$@"
export POSTGRES_USER="${POSTGRES_USER:-postgres}"
mkdir -p "$PGDATA"
chmod 700 "$PGDATA"
if [ "$(id -u)" = 0 ]; then
	chmod 03775 /var/run/postgresql
	find "$PGDATA" /var/run/postgresql ! -user postgres -exec chown postgres {} +
	exec gosu postgres "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
	initdb -U "$POSTGRES_USER" --pwfile=<(printf '%s\n' "${POSTGRES_PASSWORD:?}")
	printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
	pg_ctl -w start -o "${*:2} -c listen_addresses=''"
	for f in /docker-entrypoint-initdb.d/*; do
		[ -e "$f" ] || continue
		echo "$0: $f"
		if [ -x "$f" ]; then "$f"; else . "$f"; fi
	done
	pg_ctl -w -m fast stop
fi
exec "$@"
