#!/bin/bash
exec java ${KAFKA_HEAP_OPTS:--Xmx256M} -server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true \
	-Dlog4j2.configurationFile="${LOG4J:-/opt/kafka/config/tools-log4j2.properties}" -cp '/opt/kafka/libs/*' "$@"
