#!/bin/sh
# mmdebstrap calls this with the folder into which it has unpacked the packages. No maintainer script runs for its variant
# "extract", so what they would have done and Python needs is done here.
set -eu
root=$1

[ -e "$root/bin/sh" ] || ln -s dash "$root/bin/sh"

cat > "$root/etc/passwd" <<'PASSWD'
root:x:0:0:root:/root:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
PASSWD
printf 'root:x:0:\nnogroup:x:65534:\n' > "$root/etc/group"

# One bundle of all certificates, where OpenSSL looks for it.
mkdir -p "$root/etc/ssl/certs"
find "$root/usr/share/ca-certificates" -name '*.crt' | LC_ALL=C sort | xargs cat > "$root/etc/ssl/certs/ca-certificates.crt"
ln -sf certs/ca-certificates.crt "$root/etc/ssl/cert.pem"

ldconfig -r "$root"

# The host's own name servers and name came along; they are no business of the image.
# What ldconfig keeps in /var/cache names inodes, so it would make every base a different one.
rm -f "$root/etc/resolv.conf" "$root/etc/hostname"
rm -rf "$root"/usr/share/doc "$root"/usr/share/man "$root"/usr/share/info "$root"/usr/share/locale "$root"/usr/share/lintian \
    "$root"/usr/share/bug "$root"/usr/share/bash-completion "$root"/var/cache "$root"/var/lib/apt "$root"/var/log
mkdir -p "$root/tmp" "$root/var/cache" "$root/var/log"
chmod 1777 "$root/tmp"
