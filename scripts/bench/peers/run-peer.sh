#!/bin/bash
# run-peer.sh NAME ACTION [NODE] - start and stop the peer brokers of the bench.
#
# NAME    activemq           ActiveMQ 5.17, KahaDB, one node
#         activemq-ha        two ActiveMQ (nodes a, b) on one KahaDB directory with the
#                            shared-file locker, default lockAcquireSleepInterval
#         activemq-ha-100ms  the same with lockAcquireSleepInterval 100 ms
#         mosquitto          mosquitto 2.0, persistence on, max_queued_messages 0 (no limit)
#         mosquitto-default  the same with the default limit (1000; drops beyond it)
#         rabbitmq           RabbitMQ 3.10, MQTT plug-in, classic queues
#         rabbitmq-qq        the same, mqtt.durable_queue_type = quorum, one node
#         rabbitmq-cluster   three RabbitMQ nodes (1 2 3), quorum queues
#         nats               NATS JetStream 2.9 with MQTT, file store, one node
#         nats-r3            three NATS nodes (1 2 3), MQTT stream_replicas 3
# ACTION  start [NODE]   start (all nodes, or one) and wait until it serves
#         stop [NODE]    end it (SIGTERM, after 20 s SIGKILL), only pids started here
#         kill NODE      SIGKILL one node (default: the only one)
#         reset          stop and remove its data
#         pids [NODE]    process ids
#         endpoints      MQTT endpoints, host:port,...
#
# Assumes the Debian 12 packages activemq libmqtt-client-java rabbitmq-server
# mosquitto nats-server openjdk-17-jre-headless gcc procps; installs nothing, and
# ends with 3 when what NAME needs is missing.
# RABBIT_EXTRA: one more line for rabbitmq.conf, e.g. "mqtt.prefetch = 200".
# Everything listens on 127.0.0.1, from $PEER_PORT (default 19101) on: 24 ports.
# State is kept in $PEER_STATE (default /tmp/bench-peers).  No init scripts or system configuration are used.
set -u
HERE=$(cd "$(dirname "$0")" && pwd)
STATE=${PEER_STATE:-/tmp/bench-peers}
NAME=${1:?usage: run-peer.sh NAME start|stop|kill|reset|pids|endpoints [NODE]}
ACTION=${2:?action}
NODE=${3:-}
D=$STATE/$NAME
export MQLOAD=${MQLOAD:-$STATE/mqload}

BASE=${PEER_PORT:-19101}
missing() { echo "not installed: apt-get install $*" >&2; exit 3; }
case $NAME in
  activemq | activemq-ha | activemq-ha-100ms)
    [ -f /usr/share/activemq/bin/activemq.jar ] && [ -f /usr/share/java/mqtt-client.jar ] && command -v java >/dev/null ||
      missing activemq libmqtt-client-java openjdk-17-jre-headless ;;
  mosquitto | mosquitto-default) [ -x /usr/sbin/mosquitto ] || missing mosquitto ;;
  rabbitmq | rabbitmq-qq | rabbitmq-cluster) [ -d /usr/lib/rabbitmq ] || missing rabbitmq-server ;;
  nats | nats-r3) [ -x /usr/sbin/nats-server ] || command -v nats-server >/dev/null || missing nats-server ;;
  *) echo "unknown broker $NAME" >&2; exit 2 ;;
esac
case $NAME in
  activemq) NODES=a ;;
  activemq-ha*) NODES="a b" ;;
  rabbitmq-cluster | nats-r3) NODES="1 2 3" ;;
  *) NODES=1 ;;
esac
num() { case $1 in a) echo 1 ;; b) echo 2 ;; *) echo "$1" ;; esac; }
port() { echo $((BASE + $(num "$1") - 1)); }
endpoints() { local o=; for n in $NODES; do o=$o,127.0.0.1:$(port "$n"); done; echo "${o#,}"; }
alive() { [ -n "${1:-}" ] && kill -0 "$1" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }
pidof_node() { local p; p=$(cat "$D/$1/pid" 2>/dev/null) || return 1; alive "$p" && echo "$p"; }

start_activemq() { # node
  local n=$1 d=$D/$1 store=$D/$1/kahadb sleep=   # empty: AbstractLocker's default, 10 s
  case $NAME in activemq-ha*) store=$D/shared-kahadb ;; esac
  case $NAME in activemq-ha-100ms) sleep='lockAcquireSleepInterval="100"' ;; esac
  mkdir -p "$d/ext" "$d/conf"
  ln -sf /usr/share/java/{mqtt-client,hawtdispatch,hawtdispatch-transport,hawtbuf}.jar "$d/ext/"
  cp "$HERE/log4j.properties" "$d/conf/"
  sed -e "s|@STORE@|$store|; s|@LOCKSLEEP@|$sleep|; s|@DIR@|$d|; s|@PORT@|$(port "$n")|" "$HERE/activemq.xml.in" >"$d/conf/activemq.xml"
  # heap: upstream's default maximum
  java -Xms1G -Xmx1G -Dorg.apache.activemq.UseDedicatedTaskRunner=true \
    -Dlog4j.configuration="file:$d/conf/log4j.properties" \
    -Dactivemq.home=/usr/share/activemq -Dactivemq.base="$d" -Dactivemq.conf="$d/conf" -Dactivemq.data="$d" \
    -jar /usr/share/activemq/bin/activemq.jar start "xbean:file:$d/conf/activemq.xml" --extdir "$d/ext" \
    >>"$d/log" 2>&1 </dev/null &
  echo $! >"$d/pid"
}

start_mosquitto() {
  local d=$D/$1 extra=
  mkdir -p "$d/data"
  [ "$NAME" = mosquitto ] && extra='max_queued_messages 0'
  sed -e "s|@PORT@|$(port "$1")|; s|@DIR@|$d|; s|@EXTRA@|$extra|" "$HERE/mosquitto.conf.in" >"$d/conf"
  PATH=$PATH:/usr/sbin mosquitto -c "$d/conf" >>"$d/out" 2>&1 </dev/null &
  echo $! >"$d/pid"
}

rabbit_env() { # node: environment of one RabbitMQ node
  local d=$D/$1
  export HOME=$D ERL_EPMD_PORT=$((BASE + 15)) ERL_EPMD_ADDRESS=127.0.0.1
  export RABBITMQ_NODENAME=${NAME//-/_}$1@localhost RABBITMQ_DIST_PORT=$((BASE + 9 + $(num "$1")))
  export RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_CONFIG_FILE=$d/rabbitmq.conf RABBITMQ_ADVANCED_CONFIG_FILE=/dev/null
  export RABBITMQ_MNESIA_BASE=$d/mnesia RABBITMQ_LOG_BASE=$d/log RABBITMQ_ENABLED_PLUGINS_FILE=$d/enabled_plugins
  export RABBITMQ_GENERATED_CONFIG_DIR=$d/gen RABBITMQ_SCHEMA_DIR=$d/schema RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}"
  export RABBITMQ_SERVER_ERL_ARGS= LANG=C.UTF-8
  unset RABBITMQ_ADVANCED_CONFIG_FILE
}
RSBIN=$(echo /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin)

start_rabbitmq() {
  local n=$1 d=$D/$1 qt=classic extra= i
  mkdir -p "$d/log" "$d/gen" "$d/schema"
  [ -f "$D/.erlang.cookie" ] || { head -c 15 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$D/.erlang.cookie"; chmod 400 "$D/.erlang.cookie"; }
  case $NAME in rabbitmq-qq | rabbitmq-cluster) qt=quorum ;; esac
  if [ "$NAME" = rabbitmq-cluster ]; then
    extra='cluster_formation.peer_discovery_backend = classic_config'
    for i in $NODES; do extra="$extra\\ncluster_formation.classic_config.nodes.$i = ${NAME//-/_}$i@localhost"; done
  fi
  [ -n "${RABBIT_EXTRA:-}" ] && extra="$extra\\n$RABBIT_EXTRA"
  sed -e "s|@AMQP@|$((BASE + 3 + n - 1))|; s|@MQTT@|$(port "$n")|; s|@STOMP@|$((BASE + 6 + n - 1))|; s|@QTYPE@|$qt|; s|@EXTRA@|$extra|" \
    "$HERE/rabbitmq.conf.in" >"$d/rabbitmq.conf"
  echo '[rabbitmq_mqtt,rabbitmq_stomp,rabbitmq_amqp1_0].' >"$d/enabled_plugins"
  ( rabbit_env "$n"
    epmd -names >/dev/null 2>&1 || { epmd -port $ERL_EPMD_PORT -address 127.0.0.1 >/dev/null 2>&1 & echo $! >"$D/epmd.pid"; sleep 0.3; }
    exec setsid "$RSBIN/rabbitmq-server" >>"$d/out" 2>&1 </dev/null ) &
  for i in $(seq 300); do   # the pid that matters is the VM's, not the wrapper's
    sleep 0.1
    [ -s "$d/mnesia/${NAME//-/_}$n@localhost.pid" ] && cp "$d/mnesia/${NAME//-/_}$n@localhost.pid" "$d/pid" && pidof_node "$n" >/dev/null && return
  done
}

start_nats() {
  local n=$1 d=$D/$1 mx= cl= i routes=
  mkdir -p "$d/data"
  if [ "$NAME" = nats-r3 ]; then
    mx=', stream_replicas: 3'
    for i in $NODES; do routes="$routes${routes:+, }\"nats://127.0.0.1:$((BASE + 6 + i - 1))\""; done
    cl="cluster { name: bench, listen: \"127.0.0.1:$((BASE + 6 + n - 1))\", routes: [$routes ] }"
  fi
  sed -e "s|@NAME@|n$n|; s|@CLIENT@|$((BASE + 3 + n - 1))|; s|@DIR@|$d|g; s|@MQTT@|$(port "$n")|; s|@MQTTX@|$mx|; s|@CLUSTER@|$cl|" \
    "$HERE/nats.conf.in" >"$d/conf"
  rm -f "$d/pid"
  PATH=$PATH:/usr/sbin nats-server -c "$d/conf" >>"$d/out" 2>&1 </dev/null &
  echo $! >"$d/pid"
}

start_node() {
  mkdir -p "$D/$1"
  pidof_node "$1" >/dev/null && { echo "$NAME $1 runs already" >&2; return; }
  case $NAME in
    activemq*) start_activemq "$1" ;;
    mosquitto*) start_mosquitto "$1" ;;
    rabbitmq*) start_rabbitmq "$1" ;;
    nats*) start_nats "$1" ;;
  esac
}

serves() { # endpoint: one message end to end
  "$MQLOAD" throughput -e "$1" -n 1 -W 1 -B 32 --prefix ready --id "ready-${1##*:}" --connect-ms 3000 --drain 2 -j >/dev/null 2>&1
}

wait_ready() { # nodes...
  local n e i end=$((SECONDS + 90))
  for n in "$@"; do
    # in an ActiveMQ pair only the holder of the lock listens: one serving node is enough
    for i in $(seq 1000); do
      case $NAME in
        activemq-ha*) for e in $(endpoints | tr , ' '); do serves "$e" && return 0; done ;;
        *) serves "127.0.0.1:$(port "$n")" && break ;;
      esac
      sleep 0.25
      [ $SECONDS -ge $end ] && { echo "$NAME $n: does not serve after 90 s; see $D/$n" >&2; return 1; }
    done
  done
}

stop_node() {
  local p i
  p=$(pidof_node "$1") || return 0
  kill -TERM "$p"
  for i in $(seq 200); do alive "$p" || break; sleep 0.1; done
  alive "$p" && kill -KILL "$p"
  rm -f "$D/$1/pid"
}

case $ACTION in
  start)
    mkdir -p "$STATE"
    [ -x "$MQLOAD" ] || cc -O2 -o "$MQLOAD" "$HERE/../load/mqload.c" || exit 2
    for n in ${NODE:-$NODES}; do
      start_node "$n"
      # nodes started at once can miss each other in the Raft group of the MQTT plug-in
      if [ -z "$NODE" ]; then case $NAME in rabbitmq-cluster) wait_ready "$n" || exit 1 ;; activemq-ha*) sleep 3 ;; esac; fi
    done
    [ "${NOWAIT:-0}" = 1 ] || wait_ready ${NODE:-$NODES} ;;
  stop) for n in ${NODE:-$NODES}; do stop_node "$n" & done; wait
    if [ -z "$NODE" ] && [ -s "$D/epmd.pid" ]; then p=$(cat "$D/epmd.pid"); alive "$p" && kill "$p"; rm -f "$D/epmd.pid"; fi ;;
  kill) p=$(pidof_node "${NODE:-$NODES}") && kill -KILL "$p" ;;
  reset) "$0" "$NAME" stop; rm -rf "${D:?}" ;;
  pids) for n in ${NODE:-$NODES}; do pidof_node "$n"; done ;;
  endpoints) endpoints ;;
  *) echo "unknown action $ACTION" >&2; exit 2 ;;
esac
