# Keeps a server from taking writes, by the file with which PostgreSQL itself starts as a standby.
# $1 its data folder, $2 what our file says. The folder is another user's: nothing that lies there is followed.

signal_is_ours() { [ -f "$1/standby.signal" ] && [ ! -L "$1/standby.signal" ] && grep -qsF "$2" "$1/standby.signal"; }

write_signal() {
    [ -f "$1/PG_VERSION" ] || { echo "there is no server" && return; }
    signal_is_ours "$1" "$2" && echo written && return
    [ ! -e "$1/standby.signal" ] || { echo standby && return; }
    new=$(mktemp "$1/.standby.XXXXXX") || { echo "its folder cannot be written to" && return; }
    printf '%s; "blackstart failback" makes it a standby and takes this away\n' "$2" >"$new" &&
        chown "$(stat -c %u:%g "$1/PG_VERSION")" "$new" && sync "$new" &&
        mv "$new" "$1/standby.signal" && sync "$1" && echo written && return
    rm -f "$new"
    echo "its folder cannot be written to"
}

remove_signal() {
    signal_is_ours "$1" "$2" || { echo removed && return; }
    rm "$1/standby.signal" && sync "$1" && echo removed
}
