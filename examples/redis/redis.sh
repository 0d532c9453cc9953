#!/bin/sh
# What blackstart asks of a Redis, by its own programs: redis.sh dump|check|load|query|writable|promote|in_sync
set -eu
case ${BLACKSTART_SITE:-} in
dr) port=$DR_PORT folder=$REDIS/dr ;;
*) port=$PRIMARY_PORT folder=$REDIS/primary ;;
esac
cli() { redis-cli -h 127.0.0.1 -p "$port" "$@"; }

case $1 in
dump)      # a snapshot of one moment, taken by the server itself
    cli --rdb "$BLACKSTART_DUMP/dump.rdb" >&2
    ;;
check)
    redis-check-rdb "$BLACKSTART_DUMP/dump.rdb" >&2
    ;;
load)      # a server reads its file when it starts, and a running one writes over it
    cli ping >/dev/null 2>&1 && { echo "the server at $BLACKSTART_SITE runs; stop it first" >&2; exit 1; }
    cp "$BLACKSTART_DUMP/dump.rdb" "$folder/dump.rdb.new"
    mv "$folder/dump.rdb.new" "$folder/dump.rdb"
    ;;
query)     # of a server of its own, on a socket, which reads a copy
    apart=$(mktemp -d)
    trap 'redis-cli -s "$apart/socket" shutdown nosave >/dev/null 2>&1 || true; rm -rf "$apart"' EXIT
    cp "$BLACKSTART_DUMP/dump.rdb" "$apart/dump.rdb"
    redis-server --port 0 --unixsocket "$apart/socket" --dir "$apart" --save '' --daemonize yes >&2
    for _ in $(seq 500); do [ "$(redis-cli -s "$apart/socket" ping 2>/dev/null)" = PONG ] && break; sleep 0.02; done
    # shellcheck disable=SC2086 # a command of Redis and its words
    redis-cli -s "$apart/socket" $BLACKSTART_QUERY
    ;;
writable)
    role=$(cli role 2>/dev/null | head -1) || exit 69
    case $role in master) exit 0 ;; slave) exit 1 ;; *) exit 69 ;; esac
    ;;
promote)
    cli replicaof no one >&2
    ;;
in_sync)   # the offsets of both ends of the replication
    sent=$(redis-cli -p "$PRIMARY_PORT" info replication | tr -d '\r' | sed -n 's/^master_repl_offset://p')
    has=$(redis-cli -p "$DR_PORT" info replication | tr -d '\r' | sed -n 's/^slave_repl_offset://p')
    link=$(redis-cli -p "$DR_PORT" info replication | tr -d '\r' | sed -n 's/^master_link_status://p')
    echo "link ${link:-none}, offset ${has:-none} of ${sent:-unknown}"
    [ "$link" = up ] && [ -n "$sent" ] && [ "$has" = "$sent" ]
    ;;
*)
    echo "redis.sh: \"$1\" is not known" >&2
    exit 2
    ;;
esac
