#!/bin/sh
# nft-in-root.sh ROOT SHARED ARG...: runs ROOT's nft with the ARGs. The folder SHARED, where the tests' files are, has
# the same path inside, and /proc is there, by which nft opens its stdin. To be run by `ip netns exec`, which gives it a
# mount namespace of its own: the mounts end with nft, however that ends.
set -eu
root=$1
shared=$2
shift 2
mkdir -p "$root$shared"
mount --bind "$shared" "$root$shared"
mount --bind /proc "$root/proc"
exec chroot "$root" /usr/sbin/nft "$@"
