# How a host that is cut off is connected again: by whoever may, or by itself. A part of cut.sh.
# $site, $room, $table, $words, $hundredths, $tries and $again are set before.

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
        say "insist '' 'its dead-man' $names"
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
        # what is ignored now its kill commands would ignore too, and nothing ended one that hangs
        (trap - PIPE HUP INT TERM && exec setsid /bin/sh -c "sleep $1; exec /bin/sh $room/undo.sh") \
            >/dev/null 2>&1 </dev/null &
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
# Whether $1, what `kill_all` said, says of each of the others that it is gone. What is not known is not gone.
all_gone() {
    said=$1
    shift
    for name; do
        case "
$said
" in *"
$name gone
"*) ;; *) return 1 ;; esac
    done
}

# Whoever lifts it without having asked the other site leaves no writer behind: what lives, or may, stays cut off.
lift_fenced() {
    by=$1
    shift
    told=$(trap - TERM && kill_all "$hundredths" "$@")
    all_gone "$told" "$@" || {
        say "failed not everything of the site here is gone: $(say "$told" | tr '\n' ';')"
        return 1
    }
    lift "$by, after everything of the site here was killed"
}

# The same where nobody hears that it failed. $1 is the token that stands meanwhile: with another, the cut is another's.
insist() {
    stands=$1 try=0
    shift
    until lift_fenced "$@"; do
        try=$((try + 1))
        [ "$try" -lt "$tries" ] || break
        sleep "$again"
        [ "$(cat "$room/token" 2>/dev/null)" = "$stands" ] || return
    done
    is_cut && say "stays cut off: not lifted by $1 after $try tries"
}
