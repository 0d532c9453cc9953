# Makes a server that does not run a standby, as the account that owns its data: nothing here is root's.
# $data and $secret_text are set before; secrets come on standard input and go into files of the owner's alone.

umask 077
mark=$data.rejoining kept=$data.configuration secret=$data.secret
cd / # where the owner may be
trap 'rm -f "$secret"' EXIT

# A rejoining that was cut off may have left no version in the folder; the mark beside it has it.
version=$(cat "$data/PG_VERSION" 2>/dev/null || sed -n 's/^version //p' "$mark" 2>/dev/null)
bin=/usr/lib/postgresql/$version/bin
[ -x "$bin/pg_controldata" ] || bin=$(dirname "$(command -v pg_controldata || echo /nowhere/x)")

say() { printf '%s\n' "$*"; }
secret_file() { printf '%s' "$secret_text" >"$secret"; }
# The last line of what a program complained of, after what it was to do.
run() {
    act=$1
    shift
    told=$("$@" 2>&1 </dev/null) || {
        say "failed $act: $(printf '%s' "$told" | tail -n 1 | cut -c 1-300)"
        return 1
    }
}

control() {
    run "read the control file" env LC_ALL=C "$bin/pg_controldata" "$data" && say "$told"
}

half_made() {
    if [ -e "$mark" ]; then say "half made"; else say whole; fi
}

begin() {
    if [ ! -w "$(dirname "$data")" ]; then
        say "failed keep: $(id -un) must be able to write in $(dirname "$data")"
        return
    fi
    [ -e "$mark" ] && say "cut off" && return
    if [ ! -d "$kept" ]; then
        rm -rf "$kept.new" && mkdir "$kept.new"
        for file in postgresql.conf pg_hba.conf pg_ident.conf postgresql.auto.conf; do
            [ ! -f "$data/$file" ] || cp -p "$data/$file" "$kept.new/"
        done
        sync "$kept.new"/* 2>/dev/null
        mv "$kept.new" "$kept"
    fi
    say "what is in the folder beside is worth nothing until this is gone
version $version" >"$mark"
    sync "$mark"
    say begun
}

# $1 where from. Debian has a server's configuration elsewhere, which pg_rewind has to be told.
rewind() {
    secret_file
    config=/etc/postgresql/${data#/var/lib/postgresql/}/postgresql.conf
    # a killed server left its number, which may be anybody's by now
    [ ! -f "$data/postmaster.pid" ] || sed -i '1s/.*/4194304/' "$data/postmaster.pid"
    set -- "--target-pgdata=$data" "--source-server=$1"
    [ ! -f "$config" ] || set -- "$@" "--config-file=$config"
    # PostgreSQL recovers no standby on its own; what kept this one from taking writes is back at once
    [ ! -f "$data/standby.signal" ] || mv "$data/standby.signal" "$data/standby.signal.kept"
    run rewind env "PGPASSFILE=$secret" LC_ALL=C "$bin/pg_rewind" "$@"
    failed=$?
    [ ! -f "$data/standby.signal.kept" ] || mv "$data/standby.signal.kept" "$data/standby.signal"
    [ $failed = 0 ] || return
    case $told in *"are on the same timeline"*)
        # numbers alone are compared: what was a primary itself has written another one of that number
        if LC_ALL=C "$bin/pg_controldata" "$data" | grep -q 'cluster state: *shut down$'; then
            say "failed rewind: it was a primary itself on a timeline of that number: two histories"
            return
        fi
        ;;
    esac
    case $told in *"no rewind required"*) say "nothing to rewind" ;; *) say rewound ;; esac
    sed -n 's/^START WAL LOCATION: \([0-9A-F/]*\).*/begins \1/p' "$data/backup_label" 2>/dev/null
}

# Beside the old folder, which goes only when the new one is whole. $1 host, $2 port, $3 user, $4 slot
copy() {
    secret_file
    rm -rf "$data.new" "$data.old"
    run "copy the primary" env "PGPASSFILE=$secret" "$bin/pg_basebackup" "--pgdata=$data.new" "--host=$1" \
        "--port=$2" "--username=$3" --no-password --wal-method=stream "--slot=$4" --checkpoint=fast || return
    [ ! -e "$data" ] || mv "$data" "$data.old"
    mv "$data.new" "$data" && rm -rf "$data.old" && say copied
}

# Its own configuration again, and $1: where its changes come from.
finish() {
    printf '%s' "$secret_text" >"$data.passfile"
    for file in postgresql.conf pg_hba.conf pg_ident.conf; do
        [ ! -f "$kept/$file" ] || cp -p "$kept/$file" "$data/$file"
    done
    ours='primary_conninfo|primary_slot_name|synchronous_standby_names'
    {
        [ ! -f "$kept/postgresql.auto.conf" ] || grep -Eiv "^ *($ours) *=" "$kept/postgresql.auto.conf"
        printf '%s' "$1"
    } >"$data/postgresql.auto.conf"
    : >"$data/standby.signal"
    sync -f "$data" && rm -rf "$kept" && rm -f "$mark" && say finished
}
