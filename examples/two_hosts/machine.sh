# Boot a machine made of namespaces: BASE (a Debian), HOME (what this one writes), NAME. See machines.py.
set -eu
base=$1 home=$2 name=$3 root=$2/root

mount --make-rprivate /
mkdir -p "$home/upper" "$home/work" "$root"
mount -t overlay overlay -o "lowerdir=$base,upperdir=$home/upper,workdir=$home/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"

hostname "$name"
echo "$name" >"$root/etc/hostname"
mkdir -p "$root/old"
cd "$root"
pivot_root . old
umount -l /old
exec env -i container=blackstart PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=null </dev/null
