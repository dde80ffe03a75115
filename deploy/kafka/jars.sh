#!/bin/sh
# Fetches the jars of a real Apache Kafka from Maven Central, once, and prints the folder that they are in.
set -eu
libs=${XDG_CACHE_HOME:-$HOME/.cache}/countersign/kafka-4.1.0
if [ ! -e "$libs/.complete" ]; then
	command -v mvn >/dev/null 2>&1 || { echo "Maven is missing: install it (Debian: apt-get install maven); it fetches Kafka's 46 jars once" >&2; exit 2; }
	echo "fetching Apache Kafka 4.1.0 (43 MB) into $libs" >&2
	mkdir -p "$libs"
	told=$(mvn -q -B -f "$(dirname "$0")/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$libs" 2>&1) ||
		{ echo "$told" >&2; exit 1; }
	touch "$libs/.complete"
fi
echo "$libs"
