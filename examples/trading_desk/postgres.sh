#!/bin/sh
# The PostgreSQL of one site, in its container: made when its volume is empty, then run.
#
#   postgres.sh primary
#   postgres.sh standby HOST        a copy of the one at HOST, which it follows through slot "dr"
#
# Its settings are in /conf. The password that it is made with is in /secret, which only root reads.
set -eu

bin=$(echo /usr/lib/postgresql/*/bin)
home=/var/lib/postgresql
data=$home/data
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }

umask 077
install -d -o postgres -g postgres -m 700 "$home" "$home/given"
if [ ! -s "$data/PG_VERSION" ]; then
    rm -rf "$data"
    if [ "$1" = primary ]; then
        install -o postgres -m 600 /secret "$home/given/password"
        as_postgres "$bin/initdb" --pgdata="$data" --username=postgres --pwfile="$home/given/password" \
            --auth=scram-sha-256 --data-checksums --encoding=UTF8 --locale=C --no-instructions
        rm "$home/given/password"
    else
        printf '*:*:*:*:%s\n' "$(cat /secret)" >"$home/given/passfile"
        chown postgres "$home/given/passfile"
        as_postgres env PGPASSFILE="$home/given/passfile" "$bin/pg_basebackup" --pgdata="$data" --host="$2" \
            --username=replicator --no-password --write-recovery-conf --wal-method=stream --create-slot --slot=dr \
            --checkpoint=fast
    fi
fi
cp /conf/postgresql.conf /conf/pg_hba.conf "$data/"
chown postgres "$data/postgresql.conf" "$data/pg_hba.conf"
exec setpriv --reuid=postgres --regid=postgres --init-groups "$bin/postgres" -D "$data"
