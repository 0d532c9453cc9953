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
        [ "$word" = look ] || is_cut || exit 0
    done
    exec >>"$room/undone" 2>&1
    [ "$(cat "$room/token" 2>/dev/null)" = "$token" ] || exit 0 # lifted, or another cut than ours
    # shellcheck disable=SC2086 # words are wanted
    insist "$token" "itself when blackstart was gone" $names
    exit 0
}
