#!/bin/sh
# Runs a real Apache Kafka in the foreground, without containers, from Maven Central's jars.
#
#   KAFKA_PORT         9092   where clients connect (127.0.0.1)
#   KAFKA_CONTROLLER_PORT 9093
#   KAFKA_DATA         .local/kafka-real   topics, groups and the jars' settings; delete it to start anew
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
port=${KAFKA_PORT:-9092}
controller=${KAFKA_CONTROLLER_PORT:-9093}
data=${KAFKA_DATA:-$root/.local/kafka-real}

command -v java >/dev/null 2>&1 || { echo "Java is missing: install a JDK or JRE, 17 or newer (Debian: apt-get install openjdk-17-jre-headless)" >&2; exit 2; }
version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
if [ "${version:-0}" -lt 17 ]; then
	echo "Java is version ${version:-unknown}: Kafka 4.1 needs 17 or newer" >&2
	exit 2
fi

libs=$("$here/jars.sh")

mkdir -p "$data/log"
sed -e "s|@PORT@|$port|g" -e "s|@CONTROLLER_PORT@|$controller|g" -e "s|@DATA@|$data/log|g" \
	"$here/server.properties" >"$data/server.properties"

kafka() { java -Dlog4j2.configurationFile="$here/log4j2.properties" -cp "$libs/*" "$@"; }
[ -e "$data/cluster-id" ] || kafka kafka.tools.StorageTool random-uuid >"$data/cluster-id"
# -g: fine when formatted already
kafka kafka.tools.StorageTool format --standalone -t "$(cat "$data/cluster-id")" -c "$data/server.properties" -g >/dev/null

echo "Apache Kafka 4.1.0 on 127.0.0.1:$port, data in $data; Ctrl-C stops it"
exec java -Xmx512m -Dlog4j2.configurationFile="$here/log4j2.properties" -cp "$libs/*" kafka.Kafka "$data/server.properties"
