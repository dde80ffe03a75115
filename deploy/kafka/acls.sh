#!/bin/sh
# Prints what each service, whoever migrates, and whoever looks may do in Kafka: the least, as commands of Apache
# Kafka's kafka-acls.sh. Everything else is denied by the broker (StandardAuthorizer).
#
#   deploy/kafka/acls.sh            print the commands; they want KAFKA_BROKERS, and KAFKA_ADMIN, a file of client settings
#   deploy/kafka/acls.sh --apply    allow it without those tools, as the user of KAFKA_* (see README.md, Configuration)
#
# Each service says what it receives and publishes, from the declaration that it runs by: so no topic is forgotten.
#
#   BIN   bin   the folder of the services' programs (make build)
set -eu
bin=${BIN:-$(cd "$(dirname "$0")/../.." && pwd)/bin}
for service in contractor-ui manager-ui payments-core ordering-core; do
	"$bin/$service" acls "$@"
done
