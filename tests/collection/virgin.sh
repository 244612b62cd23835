#!/bin/sh
# Usage: virgin.sh FOLDER SHOWN... -- COMMAND...
# Runs COMMAND on a copy of this machine that has neither podman nor python3-apt, in namespaces of its own,
# and then prints the files that COMMAND changed. FOLDER is empty and holds the copy's differences;
# the folders SHOWN are visible inside although they may be mounts of their own.
set -eu
[ "${VIRGIN:-}" ] || exec env VIRGIN=1 unshare --mount --pid --fork --kill-child --propagation private "$0" "$@"

folder=$1; shift
mount -t tmpfs tmpfs "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root"
# A whiteout hides podman's store; removing its files one by one would race with whoever uses it outside.
mkdir -p "$folder/upper/var/lib"
mknod "$folder/upper/var/lib/containers" c 0 0
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
root=$folder/root
for tool in podman runc crun catatonit conmon netavark mmdebstrap buildah; do
    rm -f "$root/usr/bin/$tool" "$root/usr/sbin/$tool" "$root/usr/local/bin/$tool" "$root/usr/lib/podman/$tool"
done
rm -rf "$root"/usr/lib/python3/dist-packages/apt "$root"/usr/lib/python3/dist-packages/apt_pkg*
while [ "$1" != -- ]; do
    mkdir -p "$root$1"
    mount --bind -o ro "$1" "$root$1"
    shift
done
shift
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"

# Ansible's own scratch folder, and what merely reading a folder copies up, do not count.
files() { find "$folder/upper" ! -type d ! -path '*/.ansible/*' ! -path "$folder/upper/tmp/*" | sort; }
files >"$folder/before"
status=0
chroot "$root" "$@" || status=$?
files >"$folder/after"
echo "CHANGED: $(diff "$folder/before" "$folder/after" | grep '^[<>]' | tr '\n' ' ')"
exit "$status"
