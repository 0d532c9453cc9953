# What is done to a volume, there where it is. Says one line a thing; "failed ..." where it could not.

export LC_ALL=C
say() { printf '%s\n' "$*"; }

# $1 the folder; then folders on disks that are not the site's own.
# "volume MOUNT TYPE SIZE_BYTES FREE_BYTES MEMORY_BYTES", or "unable WHY".
able() {
    path=$1
    shift
    [ -d "$path" ] || { say "unable there is no folder $path" && return; }
    for program in stat dd find mv; do
        command -v $program >/dev/null || { say "unable $program is not installed there" && return; }
    done
    device=$(stat -c %d "$path")
    for each; do
        [ ! -e "$each" ] || [ "$(stat -c %d "$each")" != "$device" ] && continue
        say "unable it is on the same disk as $each, so it would hit more than the site"
        return
    done
    [ -w "$path" ] || { say "unable it cannot be written to" && return; }
    block=$(stat -f -c %S "$path")
    memory=$(sed -n 's/^MemAvailable: *\([0-9]*\).*/\1/p' /proc/meminfo)
    say "volume $(stat -c %m "$path") $(stat -f -c %T "$path" | tr ' ' -)" \
        "$(($(stat -f -c %b "$path") * block)) $(($(stat -f -c %a "$path") * block)) $((memory * 1024))"
}

# $1 the folder, $2 the file that takes all the room there is: at once where that can be had, then to the last block.
fill() {
    block=$(stat -f -c %S "$1")
    fallocate -l $(($(stat -f -c %a "$1") * block)) "$1/$2" 2>/dev/null
    for size in 1M 4k 512; do dd if=/dev/zero of="$1/$2" bs=$size oflag=append conv=notrunc 2>/dev/null; done
    full "$1"
}

# "full", "room", or "failed WHY": whether a write is refused for want of room. Only a write tells.
full() {
    probe=$1/.blackstart-probe
    if said=$(dd if=/dev/zero of="$probe" bs=64k count=1 2>&1); then
        said=room
    else
        case $said in *"No space left on device"*) said=full ;; *) said="failed $said" ;; esac
    fi
    rm -f "$probe"
    say $said
}

drain() {
    rm -f "$1/$2"
    [ -e "$1/$2" ] && say "failed $1/$2 cannot be removed" || full "$1"
}

# $1 the folder, $2 where in it all the rest goes. What is moved within one disk keeps its owner, mode and times.
lose() {
    mkdir -p -m 700 "$1/$2" || { say "failed $1/$2 cannot be made" && return; }
    find "$1" -mindepth 1 -maxdepth 1 ! -name "$2" -exec mv -- {} "$1/$2/" \;
    lost "$1" "$2"
}

# "lost", "there", "gone" where the folder itself is no more.
lost() {
    [ -d "$1" ] || { say gone && return; }
    [ -d "$1/$2" ] && [ -z "$(find "$1" -mindepth 1 -maxdepth 1 ! -name "$2")" ] && say lost || say there
}

# Nothing that came meanwhile is overwritten: then it stays where it was kept.
give_back() {
    [ -d "$1/$2" ] || { lost "$1" "$2" && return; }
    taken=$(find "$1/$2" -mindepth 1 -maxdepth 1 -exec sh -c \
        'name=$(basename "$1"); [ ! -e "$0/$name" ] || echo "$name"' "$1" {} \;)
    [ -z "$taken" ] || { say "failed there are others in $1 now:" $taken && return; }
    find "$1/$2" -mindepth 1 -maxdepth 1 -exec mv -n -- {} "$1/" \;
    rmdir "$1/$2" && say there || say "failed $1/$2 is not empty"
}
