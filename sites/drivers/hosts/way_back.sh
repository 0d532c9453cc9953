# How a host that is cut off is connected again: by whoever may, or by itself. A part of cut.sh.
# $site, $room, $table, $words and $hundredths are set before.

# The undo that needs nobody: in its own session, or systemd's, it sleeps until the deadline. A token that is gone
# or another's tells it that there is nothing left to undo. It takes the token before it does anything: whoever loads
# rules and then finds no token knows that the dead-man may have come too early for them, and takes them back.
arm_deadman() {
    [ -n "$words" ] || { say "failed its dead-man has nothing to do" && return 1; }
    token=$$.$(now)
    mkdir -p -m 700 "$room" && say "$token" >"$room/token" && {
        say "$words"
        say "[ \"\$(cat $room/token 2>/dev/null)\" = $token ] && rm $room/token || exit 0"
        say "exec >>$room/undone 2>&1 </dev/null"
        say "lift_fenced 'its dead-man' $names"
    } >"$room/undo.sh" || {
        say "failed its dead-man cannot be written to $room"
        return 1
    }
    timer=blackstart-cut-$site-$token
    if [ -d /run/systemd/system ] &&
        systemd-run --quiet --collect --unit="$timer" --on-active="$1" --timer-property=AccuracySec=100ms \
            /bin/sh "$room/undo.sh" 2>/dev/null; then
        say "deadman $timer"
    else
        setsid /bin/sh -c "sleep $1; exec /bin/sh $room/undo.sh" >/dev/null 2>&1 </dev/null &
        say "deadman $!"
    fi
}

lift() {
    for attempt in 1 2 3 4 5; do
        nft delete table inet "$table" 2>/dev/null
        is_cut || break
        sleep "$attempt"
    done
    is_cut && say "failed nft does not delete its table" && return 1
    rm -f "$room/token"
    say "lifted by $1"
}
# Whoever lifts it without having asked the other site leaves no writer behind.
lift_fenced() {
    by=$1
    shift
    kill_all "$hundredths" "$@"
    lift "$by, after everything of the site here was killed"
}
