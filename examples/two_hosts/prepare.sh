#!/bin/sh
# Run on a host, as root: what blackstart needs there, and PostgreSQL 15 as Debian has it in the role that is named.
#
#   prepare.sh account           the account "blackstart": in by the key in $key only, root by sudo
#   prepare.sh primary|standby   this host's server; $peer is the other one. standby REPLACES the data of the host
#   prepare.sh wait              at the primary, once the standby follows: from now on commits wait for it
#
# Secrets and settings come as lines before this file on standard input, so that none is ever an argument:
#   { cat settings; cat prepare.sh; } | ssh root@HOST sh -s primary
set -eu
conf=/etc/postgresql/15/main
data=/var/lib/postgresql/15/main

as_postgres() { runuser -u postgres -- "$@"; }

account() {
    id blackstart >/dev/null 2>&1 || useradd --create-home --shell /bin/sh blackstart
    install -d -m 700 -o blackstart -g blackstart ~blackstart/.ssh
    printf '%s\n' "$key" >~blackstart/.ssh/authorized_keys
    chown blackstart: ~blackstart/.ssh/authorized_keys
    printf 'blackstart ALL=(root) NOPASSWD: ALL\n' >/etc/sudoers.d/blackstart
    chmod 440 /etc/sudoers.d/blackstart
}

# Both servers are set up alike, for either may be the primary one day.
settings() {
    cat >$conf/conf.d/blackstart.conf <<CONF
cluster_name = '$1'
listen_addresses = '*'
wal_keep_size = '256MB'
max_slot_wal_keep_size = '1GB'
wal_retrieve_retry_interval = '50ms'
wal_log_hints = on
CONF
    grep -q blackstart $conf/pg_hba.conf || cat >>$conf/pg_hba.conf <<HBA
# blackstart
host all all $peer/32 scram-sha-256
host all all $watcher/32 scram-sha-256
host replication replicator $watcher/32 scram-sha-256
host replication replicator $peer/32 scram-sha-256
HBA
}

primary() {
    settings primary
    systemctl restart postgresql@15-main
    as_postgres psql -qX -v ON_ERROR_STOP=1 <<SQL
SET synchronous_commit = local;
CREATE ROLE replicator LOGIN REPLICATION PASSWORD '$replicator';
CREATE ROLE blackstart LOGIN PASSWORD '$blackstart';
CREATE DATABASE desk OWNER blackstart;
\c desk
GRANT pg_monitor, pg_checkpoint TO blackstart;
GRANT EXECUTE ON FUNCTION pg_promote(boolean, integer), pg_reload_conf() TO blackstart;
GRANT EXECUTE ON FUNCTION pg_ls_dir(text, boolean, boolean), pg_stat_file(text, boolean) TO blackstart;
GRANT EXECUTE ON FUNCTION pg_read_binary_file(text) TO blackstart;
GRANT EXECUTE ON FUNCTION pg_read_binary_file(text, bigint, bigint, boolean) TO blackstart;
GRANT ALTER SYSTEM ON PARAMETER synchronous_standby_names TO blackstart;
SQL
    health
}

standby() {
    settings dr
    systemctl stop postgresql@15-main
    as_postgres sh -c "umask 077; printf '*:*:*:replicator:%s\n' '$replicator' >/var/lib/postgresql/passfile"
    upstream="host=$peer user=replicator application_name=dr passfile=/var/lib/postgresql/passfile"
    as_postgres pg_receivewal --create-slot --if-not-exists --slot=dr -d "$upstream"
    rm -rf $data
    as_postgres pg_basebackup --pgdata=$data --wal-method=stream --slot=dr --checkpoint=fast --write-recovery-conf \
        -d "$upstream"
    systemctl start postgresql@15-main
    health
}

wait_for_standby() {
    as_postgres psql -qX -c "ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (dr)'" -c 'SELECT pg_reload_conf()' >/dev/null
}

# "Does the server here take writes?", for detection: systemd listens, a few lines of shell answer.
health() {
    cat >/usr/local/bin/pgcheck <<'CHECK'
#!/bin/sh
while read -r line && [ ${#line} -gt 1 ]; do :; done
state=$(timeout 0.5 psql -qAtX -d postgres -c 'SELECT pg_is_in_recovery()' 2>/dev/null)
[ "$state" = f ] && status='200 OK' || status='503 Service Unavailable'
printf 'HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n' "$status"
CHECK
    chmod 755 /usr/local/bin/pgcheck
    cat >/etc/systemd/system/pgcheck.socket <<'UNIT'
[Socket]
ListenStream=8008
Accept=yes
UNIT
    cat >/etc/systemd/system/pgcheck@.service <<'UNIT'
[Service]
User=postgres
ExecStart=-/usr/local/bin/pgcheck
StandardInput=socket
UNIT
    systemctl daemon-reload
    systemctl start pgcheck.socket
    # the failover starts them; a host that boots after it was fenced must not
    systemctl disable --quiet postgresql 2>/dev/null
}

case $1 in
account | primary | standby) "$1" ;;
wait) wait_for_standby ;;
*) echo "prepare.sh: account, primary, standby or wait, not $1" >&2 && exit 2 ;;
esac
