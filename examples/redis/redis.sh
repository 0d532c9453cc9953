#!/bin/sh
# All that blackstart asks of a Redis, by its own programs: redis.sh ACT
#   start stop kill status                             of a site, which BLACKSTART_SITE names
#   dump check load query writable promote in_sync     of the dataset
#   look write read                                    as its clients do
set -eu
folder=$REDIS/${BLACKSTART_SITE:-primary}
case ${BLACKSTART_SITE:-} in
dr) port=$DR_PORT ;;
*) port=$PRIMARY_PORT ;;
esac
cli() { redis-cli -h 127.0.0.1 -p "$port" "$@"; }

server() {  # the number of this site's server, if one runs: a number alone may be somebody else's by now
    pid=$(cat "$folder/redis.pid" 2>/dev/null) && [ "$(readlink "/proc/$pid/cwd")" = "$folder" ] && echo "$pid"
}

put() {     # one write to one server. 0: it has it, 68: nobody listens there, 77: it refused, 1: nobody knows
    said=$(printf %s "$payload" | cli -e -x hset "$BLACKSTART_STREAM" "$BLACKSTART_NUMBER" 2>&1) && return 0
    case $said in *"Connection refused"*) return 68 ;; READONLY*) return 77 ;; *) return 1 ;; esac
}

case $1 in
start)     # its file of settings is written once; from then on the server keeps it, roles included
    server >/dev/null && exit 0
    mkdir -p "$folder"
    if [ ! -e "$folder/redis.conf" ]; then
        printf '%s\n' "port $port" "bind 127.0.0.1" "dir $folder" "pidfile $folder/redis.pid" "daemonize yes" \
            "logfile $folder/redis.log" "repl-diskless-sync-delay 0" >"$folder/redis.conf"
        [ "$BLACKSTART_SITE" != dr ] || echo "replicaof 127.0.0.1 $PRIMARY_PORT" >>"$folder/redis.conf"
    fi
    redis-server "$folder/redis.conf" >&2
    ;;
stop)
    ! pid=$(server) || { kill "$pid"; tail --pid="$pid" -f /dev/null; }
    ;;
kill)      # and its end is waited for: whoever looks next finds nothing
    ! pid=$(server) || { kill -9 "$pid"; while server >/dev/null; do sleep 0.01; done; }
    ;;
status)    # NAME NUMBER of each process that runs, then how many those are
    if pid=$(server); then printf 'redis %s\nEND 1\n' "$pid"; else echo "END 0"; fi
    ;;
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
promote)   # and kept in its settings, so that it is the primary after its next start, too
    cli replicaof no one >&2
    cli config rewrite >&2
    ;;
in_sync)   # within a second the replica has all that the primary had when this was asked: writes go on meanwhile
    sent=$(redis-cli -p "$PRIMARY_PORT" info replication | tr -d '\r' | sed -n 's/^master_repl_offset://p')
    for _ in $(seq 20); do
        told=$(redis-cli -p "$DR_PORT" info replication | tr -d '\r')
        has=$(echo "$told" | sed -n 's/^slave_repl_offset://p')
        link=$(echo "$told" | sed -n 's/^master_link_status://p')
        [ "$link" = up ] && [ -n "$sent" ] && [ "${has:-0}" -ge "$sent" ] && break
        sleep 0.05
    done
    echo "link ${link:-none}, offset ${has:-none} of ${sent:-unknown}"
    [ "$link" = up ] && [ -n "$sent" ] && [ "${has:-0}" -ge "$sent" ]
    ;;
look)      # 0: it answers as a primary does, 1: it is refused, 2: nothing is heard
    port=${BLACKSTART_URL##*:}
    port=${port%%/*}
    role=$(timeout 1 redis-cli -h 127.0.0.1 -p "$port" role 2>&1 | head -1) || exit 2
    case $role in master) exit 0 ;; *"Connection refused"*) exit 1 ;; *) exit 2 ;; esac
    ;;
write)     # to the one site that is named, else to the first that takes it, as a client with both addresses does
    payload=$(cat)
    for site in ${BLACKSTART_SITE:-primary dr}; do
        case $site in dr) port=$DR_PORT ;; *) port=$PRIMARY_PORT ;; esac
        code=0
        put || code=$?
        [ "$code" != 0 ] || echo "$site"
        case $code in 68 | 77) ;; *) exit "$code" ;; esac
    done
    exit "$code"
    ;;
read)      # from the server that takes writes
    [ -n "${BLACKSTART_SITE:-}" ] || [ "$(cli role 2>/dev/null | head -1)" = master ] || port=$DR_PORT
    cli -e hgetall "$BLACKSTART_STREAM" | paste -d ' ' - - | sed '/^ *$/d'
    echo "END $(cli -e hlen "$BLACKSTART_STREAM")"
    ;;
*)
    echo "redis.sh: \"$1\" is not known" >&2
    exit 2
    ;;
esac
