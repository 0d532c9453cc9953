# Runs on a host, by any POSIX shell. Says one line a process and then END; what comes after is for one act.
# $ask_seconds and $act_seconds are set before: nobody's command is left behind there for ever.

say() { printf '%s\n' "$*"; }
last() { printf '%s' "$1" | tail -n 1 | cut -c 1-200; }
now() { read -r up _ </proc/uptime; echo "${up%.*}${up#*.}"; } # hundredths of a second

# The processes of a control group, and of those below it, whichever layout they have here.
procs() {
    [ -n "$1" ] || return 0
    for root in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
        [ -d "$root$1" ] || continue
        find "$root$1" -name cgroup.procs -exec cat {} + 2>/dev/null
        return 0
    done
}

unit_status() {
    told=$(systemctl show -p LoadState -p ActiveState -p MainPID -p ControlGroup -- "$1" 2>&1) || {
        say "unknown systemctl: $(last "$told")"
        return
    }
    load='' active='' main='' group=''
    while IFS='=' read -r key value; do
        case $key in
        LoadState) load=$value ;;
        ActiveState) active=$value ;;
        MainPID) main=$value ;;
        ControlGroup) group=$value ;;
        esac
    done <<END_OF_SHOW
$told
END_OF_SHOW
    case $load in
    loaded | masked) ;;
    *) say "unknown there is no unit $1" && return ;;
    esac
    # shellcheck disable=SC2046 # words are wanted
    set -- $(procs "$group")
    case $active in
    inactive | failed) [ $# = 0 ] && say gone || say "up $*" ;;
    *) say "up ${main:-0} $*" ;;
    esac
}

# A user's own: 0 it runs, 3 it does not, as of any init script. Its first line, or "PID: N" in it, are numbers.
own_status() {
    told=$(timeout "$ask_seconds" "$@" 2>&1 </dev/null)
    code=$?
    case $code in
    0)
        first=$(printf '%s' "$told" | head -n 1)
        case $first in
        *[!0-9\ ]*) say "up $(printf '%s' "$first" | sed -n 's/.*PID: *\([0-9][0-9]*\).*/\1/p')" ;;
        *) say "up $first" ;;
        esac
        ;;
    3) say gone ;;
    124) say "unknown its status command: not done within $ask_seconds s" ;;
    *) say "unknown its status command: exit $code: $(last "$told")" ;;
    esac
}

# What is started may keep its output open for ever: that must not be ours.
own() {
    out=$(mktemp 2>/dev/null) || out=/dev/null
    timeout "$act_seconds" "$@" >"$out" 2>&1 </dev/null
    code=$?
    case $code in
    0) ;;
    124) say "failed not done within $act_seconds s" ;;
    *) say "failed exit $code: $(last "$(cat "$out")")" ;;
    esac
    [ "$out" = /dev/null ] || rm -f "$out"
}

unit_start() {
    systemctl reset-failed -- "$1" 2>/dev/null
    own systemctl start -- "$1"
}
unit_stop() { own systemctl stop -- "$1"; }
# A stop after the kill takes back a restart that systemd has planned.
unit_kill() {
    systemctl kill --signal=SIGKILL -- "$1" 2>/dev/null
    own systemctl stop -- "$1"
}

# The state letter of a process: T where it stands still; nothing when it is gone.
state() {
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
    line=${line##*) }
    say "${line%% *}"
}

# The numbers given, and those of all their descendants.
family() {
    table=$(for each in /proc/[0-9]*/stat; do
        { read -r line <"$each"; } 2>/dev/null || continue
        pid=${line%% *} line=${line##*) } line=${line#* }
        say "$pid ${line%% *}"
    done)
    all=" $* " new=" $* "
    while [ -n "$new" ]; do
        next=
        while read -r pid parent; do
            case $new in *" $parent "*) ;; *) continue ;; esac
            case $all in *" $pid "*) ;; *) next="$next $pid" ;; esac
        done <<END_OF_TABLE
$table
END_OF_TABLE
        all="$all$next " new=${next:+$next }
    done
    say "$all"
}

# Every process of the named ones that is alive, with what it started.
everyone() {
    found=
    for name; do
        told=$(status "$name")
        case $told in "up "*) ;; *) continue ;; esac
        for pid in ${told#up }; do # 0 is no number, and what 1 started is everything
            [ "$pid" -gt 1 ] && found="$found $pid"
        done
    done
    [ -n "$found" ] || return 0
    # shellcheck disable=SC2086 # words are wanted
    family $found
}

# The TCP ports on which a process that is up, or what it started, listens: $1 its name, $2 its unit.
ports() {
    told=$(status "$1")
    case $told in
    gone) return ;;
    up*) ;;
    *) say "$told" && return ;;
    esac
    pids=$(everyone "$1")
    case $pids$2 in
    '') say "unknown its status command prints no process id" ;;
    *.socket) systemctl show -p Listen -- "$2" | sed -n 's/^Listen=.*:\([0-9]*\) (Stream)$/port \1/p' ;;
    esac
    for pid in $pids; do
        sockets=$(ls -l "/proc/$pid/fd" 2>&1) || {
            [ ! -d "/proc/$pid" ] || say "unknown $(last "$sockets")"
            continue
        }
        sockets=" $(say "$sockets" | sed -n 's/.*socket:\[\([0-9]*\)\]$/\1/p' | tr '\n' ' ')"
        cat "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6" 2>/dev/null |
            while read -r _ local _ state _ _ _ _ _ inode _; do
                case "$state $sockets" in "0A "*" $inode "*) say "port $((0x${local##*:}))" ;; esac
            done
    done
}

report() { for name; do say "$name $(status "$name")"; done; }

# Start or stop what is not yet as wanted; where that cannot be told, nothing is done.
ensure() {
    case "$1 $(status "$2")" in
    "start gone" | "stop up"*) act "$1" "$2" ;;
    esac
    report "$2"
}

# Until all are gone, or for so many hundredths of a second.
await_gone() {
    limit=$(($(now) + $1))
    shift
    while :; do
        told=$(report "$@")
        case $told in *" up "* | *" up") ;; *) break ;; esac
        [ "$(now)" -lt $limit ] || break
        sleep 0.02
    done
    say "$told"
}

# All at the same time; what a kill command complains of is told with its process.
kill_all() {
    hundredths=$1 killing=
    shift
    for name; do
        { complaint=$(act kill "$name") && [ -z "$complaint" ] || say "note $name $complaint"; } &
        killing="$killing $!"
    done
    # shellcheck disable=SC2086 # words are wanted; without them it would wait for a dead-man too
    wait $killing
    await_gone "$hundredths" "$@"
}

# Send a signal until all are in that state: each round may find children born since the last one.
signal_all() {
    signal=$1 wanted=$2 limit=$(($(now) + 300))
    [ "$signal" != 0 ] || limit=0 # it only looks, once
    shift 2
    while :; do
        count=0 left=
        for pid in $(everyone "$@"); do
            kill -"$signal" "$pid" 2>/dev/null
        done
        for pid in $(everyone "$@"); do
            count=$((count + 1))
            case $(state "$pid") in
            [Tt]) [ "$wanted" = still ] || left="$left $pid" ;;
            '' | Z) ;;
            *) [ "$wanted" = going ] || left="$left $pid" ;;
            esac
        done
        { [ -z "$left" ] || [ "$(now)" -ge $limit ]; } && break
        sleep 0.01
    done
    say "standing $count$left"
}
