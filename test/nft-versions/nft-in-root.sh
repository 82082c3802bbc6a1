#!/bin/sh
# nft-in-root.sh ROOT SHARED ARG...: runs ROOT's nft with the ARGs. The folder SHARED, where the tests' transactions are,
# has the same path inside. To be run by `ip netns exec`, which gives it a mount namespace of its own: the mount ends
# with nft, however that ends.
set -eu
root=$1
shared=$2
shift 2
mkdir -p "$root$shared"
mount --bind "$shared" "$root$shared"
exec chroot "$root" /usr/sbin/nft "$@"
