# A host cuts itself off, and connects itself again without us. After the functions of script.sh.
# $site, $room and $table are set before.

PATH=$PATH:/usr/sbin:/sbin

# Where it runs tells whether it is the machine that asks: that one is not cut off.
place() { say "place $(cat /proc/sys/kernel/random/boot_id) $(readlink /proc/self/ns/net)"; }

able() {
    place
    if [ "$(id -u)" != 0 ]; then
        say "unable it needs root there"
    elif ! command -v nft >/dev/null; then
        say "unable nft is not installed there"
    elif ! told=$(nft list tables 2>&1); then
        say "unable nft: $(last "$told")"
    elif [ "$#" != 0 ] && [ -z "$(others "$@")" ]; then
        say "unable the other hosts of the site have no address that it knows"
    fi
}

is_cut() { nft list table inet "$table" >/dev/null 2>&1; }
look() { is_cut && say "cut $table" || say "open $(sed -n '/^lifted/h;${g;p;}' "$room/undone" 2>/dev/null)"; }

others() { for each; do getent ahosts "$each"; done | sed 's/ .*//' | sort -u; }

# One address in nft's words: "ip saddr 10.0.0.1".
matched() { case $1 in *:*) say "ip6 $2 $1" ;; *) say "ip $2 $1" ;; esac }

# $1 both, inbound or outbound; then the other hosts of the site, with which all goes on. What is spared besides is
# the one connection that we talk through: new ones to the same port are dropped like all else.
rules() {
    direction=$1
    shift
    # shellcheck disable=SC2086 # words are wanted
    set -- $ours "$@"
    them=${1#::ffff:} their_port=$2 our_port=$4
    shift 4
    say "table inet $table"
    say "delete table inet $table"
    say "table inet $table {"
    for each in "input inbound saddr sport dport" "output outbound daddr dport sport"; do
        other=$(others "$@")
        # shellcheck disable=SC2086 # words are wanted
        ways "$direction" $each
    done
    say "}"
}
ways() {
    [ "$1" = both ] || [ "$1" = "$3" ] || return 0
    say "chain $2 { type filter hook $2 priority -300; policy drop;"
    [ "$2" = input ] && say 'iifname "lo" accept' || say 'oifname "lo" accept'
    # what ARP is to IPv4: without it a client is told that nobody is there, and the spared connection ends
    say "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept"
    say "$(matched "$them" "$4") tcp $5 $their_port tcp $6 $our_port accept"
    for each in $other; do say "$(matched "$each" "$4") accept"; done
    say "}"
    say "chain forward_$2 { type filter hook forward priority -300; policy accept;"
    for each in $other; do say "$(matched "$each" "$4") accept"; done
    say "drop"
    say "}"
}

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

# Cut off, and then do as we are told. When we are gone, nobody has asked the other site: then it is fenced.
cut_off() {
    trap '' PIPE HUP INT TERM
    direction=$1 seconds=$2
    shift 2
    rm -f "$room/undone"
    arm_deadman "$seconds" || return
    told=$(rules "$direction" "$@" | nft -f - 2>&1) || {
        say "failed nft: $(last "$told")"
        lift "whoever failed to cut it"
        return
    }
    if [ "$(cat "$room/token" 2>/dev/null)" = "$token" ]; then
        look
    else
        say "failed its dead-man was there before the rules were"
        lift "whoever failed to cut it"
    fi
    say END
    while read -r word; do
        case $word in
        look) look ;;
        # shellcheck disable=SC2086 # words are wanted
        lift_fenced) lift_fenced blackstart $names ;;
        lift) lift blackstart ;;
        esac
        say END
        [ "$word" = look ] || exit 0
    done
    exec >>"$room/undone" 2>&1
    [ "$(cat "$room/token" 2>/dev/null)" = "$token" ] || exit 0 # lifted, or another cut than ours
    # shellcheck disable=SC2086 # words are wanted
    lift_fenced "itself when blackstart was gone" $names
    exit 0
}
