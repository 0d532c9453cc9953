# The packet rules of a cut, in nft's words. A part of cut.sh; $table and $ours are set before.

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
