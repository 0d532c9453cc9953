# Prints every file that the process $root and its descendants hold open for writing, one a line, by its whole
# path; "closed PID" for a process that we may not look into.
awk '/^Pid:/ { pid = $2 } /^PPid:/ { print pid, $2 }' /proc/[0-9]*/status 2>/dev/null |
awk -v root="$root" '
    { parent[$1] = $2 }
    END {
        for (pid in parent)
            for (at = pid; at != "" && at != 0; at = parent[at])
                if (at == root) { print pid; break }
    }' |
while read -r pid; do
    if [ ! -r "/proc/$pid/fd" ]; then
        [ ! -d "/proc/$pid" ] || echo "closed $pid"
        continue
    fi
    for fd in "/proc/$pid/fd/"*; do
        case $(awk '/^flags:/ { print $2 }' "/proc/$pid/fdinfo/${fd##*/}" 2>/dev/null) in
            *[12]) ;;
            *) continue ;;
        esac
        path=$(readlink "$fd" 2>/dev/null) || continue
        case $path in
            *" (deleted)" | /dev/* | /proc/*) ;;
            /*) [ ! -f "$path" ] || printf '%s\n' "$path" ;;
        esac
    done
done
