#!/bin/sh
# Runs a real Apache Kafka in the foreground, without containers, from Maven Central's jars.
#
#   KAFKA_PORT         9092   where clients connect (127.0.0.1)
#   KAFKA_CONTROLLER_PORT 9093
#   KAFKA_DATA         .local/kafka-real   topics, groups and the jars' settings; delete it to start anew
#   KAFKA_SECURED      yes: KAFKA_PORT takes SASL_SSL only (SCRAM-SHA-512, and PLAIN within TLS), KAFKA_MTLS_PORT TLS with a
#                      certificate, and everything is denied that is not allowed. KAFKA_DATA/secrets holds ca.pem, and for each
#                      service, countersign-owner, countersign-reader and admin (who may do everything) NAME.password, NAME.pem and NAME.key.
#                      Then: KAFKA_BROKERS=127.0.0.1:9092 KAFKA_TLS=true KAFKA_CA_FILE=.../ca.pem KAFKA_SASL=scram-sha-512 KAFKA_USERNAME=admin
#                      KAFKA_PASSWORD_FILE=.../admin.password deploy/kafka/acls.sh --apply
#   KAFKA_MTLS_PORT    9094
#   KAFKA_CERTS        the program deploy/certs, built; without it, go run builds it
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
port=${KAFKA_PORT:-9092}
controller=${KAFKA_CONTROLLER_PORT:-9093}
mtls=${KAFKA_MTLS_PORT:-9094}
data=${KAFKA_DATA:-$root/.local/kafka-real}

command -v java >/dev/null 2>&1 || { echo "Java is missing: install a JDK or JRE, 17 or newer (Debian: apt-get install openjdk-17-jre-headless)" >&2; exit 2; }
version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
if [ "${version:-0}" -lt 17 ]; then
	echo "Java is version ${version:-unknown}: Kafka 4.1 needs 17 or newer" >&2
	exit 2
fi

libs=$("$here/jars.sh")

mkdir -p "$data/log"
data=$(cd "$data" && pwd)
umask 077 # the settings hold passwords
sed -e "s|@PORT@|$port|g" -e "s|@CONTROLLER_PORT@|$controller|g" -e "s|@DATA@|$data/log|g" \
	"$here/server.properties" >"$data/server.properties"

set -- # the users, for format
if [ -n "${KAFKA_SECURED:-}" ]; then
	secrets=$data/secrets
	users="contractor-ui manager-ui payments-core ordering-core countersign-owner countersign-reader admin"
	# shellcheck disable=SC2086 # one word a user
	(cd "$root" && ${KAFKA_CERTS:-go run ./deploy/certs} "$secrets" kafka=localhost,127.0.0.1 $users)
	cat "$secrets/kafka.key" "$secrets/kafka.pem" >"$secrets/kafka.keystore.pem"
	plain=
	for user in $users; do
		[ -e "$secrets/$user.password" ] || od -An -N18 -tx1 /dev/urandom | tr -d ' \n' >"$secrets/$user.password"
		set -- "$@" --add-scram "SCRAM-SHA-512=[name=$user,password=$(cat "$secrets/$user.password")]"
		plain="$plain user_$user=\"$(cat "$secrets/$user.password")\""
	done
	# The last of two lines counts.
	sed -e "s|@PORT@|$port|g" -e "s|@MTLS_PORT@|$mtls|g" -e "s|@CONTROLLER_PORT@|$controller|g" -e "s|@SECRETS@|$secrets|g" -e "s|@PLAIN_USERS@|$plain|g" \
		"$here/secured.properties" >>"$data/server.properties"
fi

kafka() { java -Dlog4j2.configurationFile="$here/log4j2.properties" -cp "$libs/*" "$@"; }
[ -e "$data/cluster-id" ] || kafka kafka.tools.StorageTool random-uuid >"$data/cluster-id"
# -g: fine when formatted already
kafka kafka.tools.StorageTool format --standalone -t "$(cat "$data/cluster-id")" -c "$data/server.properties" -g "$@" >/dev/null

echo "Apache Kafka 4.1.0 on 127.0.0.1:$port${KAFKA_SECURED:+ (SASL_SSL) and 127.0.0.1:$mtls (mTLS)}, data in $data; Ctrl-C stops it"
exec java -Xmx512m -Dlog4j2.configurationFile="$here/log4j2.properties" -cp "$libs/*" kafka.Kafka "$data/server.properties"
