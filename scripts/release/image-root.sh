#!/bin/sh
# Makes the file system of the image in a new folder, out of the Debian that it runs on:
#
#   image-root.sh FOLDER-OF-A-RELEASE ROOT
#
# nft, conntrack, the executable of the release for this architecture, and the libraries that these load; no shell, and
# nothing else that can be run. For deploy/Dockerfile, in a container; runs on any Debian 12 or later, as root, with
# nftables, conntrack, libstdc++6 and libcap2-bin.
set -eu
# A user's PATH often lacks the folders that setcap and nft are in.
PATH=$PATH:/usr/sbin:/sbin

# Who the daemon is in the container; deploy/kubernetes names it, too. Neither a person's, nor one that systemd or images
# of others give: systemd.io/UIDS-GIDS has 65520 to 65533 as unused, and many images have 65532.
user=65525

fail() {
  echo "image-root: $*" >&2
  exit 1
}

main() {
  if [ $# -ne 2 ]; then
    echo 'image-root: usage: image-root.sh FOLDER-OF-A-RELEASE ROOT' >&2
    exit 2
  fi
  release=$(cd "$1" && pwd)
  mkdir "$2"
  root=$(cd "$2" && pwd)
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # Not what the caller's happens to be.
  umask 022

  unpack
  make_folders
  install -m 0755 "$work/archive/kube-proxy-nft" "$root/usr/bin/kube-proxy-nft"
  for program in nft conntrack; do
    path=$(command -v "$program") || fail "there is no $program"
    add_file "$path" /usr/sbin/"$program"
  done
  add_libraries
  add_words
  name_packages
  # The container's user is not root. Each file has the right only where the container was given it. nft and conntrack
  # use it. The daemon does not (no "e"): it must have it, for them not to lose it under no_new_privs.
  setcap cap_net_admin+p "$root/usr/bin/kube-proxy-nft" cap_net_admin+ep "$root/usr/sbin/nft" \
    cap_net_admin+ep "$root/usr/sbin/conntrack"
  # Everything as old as the release: the same files make the same image.
  find "$root" -exec touch --no-dereference --reference="$work/archive/kube-proxy-nft" {} +
}

# One archive, and the one that was released.
unpack() {
  set -- "$release"/kube-proxy-nft-*-linux-"$(dpkg --print-architecture)".tar.gz
  if [ $# -ne 1 ] || [ ! -f "$1" ]; then fail "$release has not one archive for $(dpkg --print-architecture)"; fi
  sums=$(grep -F "  $(basename "$1")" "$release/SHA256SUMS") || fail "SHA256SUMS does not have $1"
  (cd "$release" && echo "$sums" | sha256sum --check --strict --quiet) || fail "$1 is not what SHA256SUMS says"
  mkdir "$work/archive"
  tar -xzf "$1" -C "$work/archive" --strip-components=1 --no-same-owner
}

# As Debian has them: programs and libraries are below /usr. The rest is where a container's mounts go.
make_folders() {
  mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/usr/lib64" "$root/etc" "$root/tmp" "$root/proc" \
    "$root/sys" "$root/dev" "$root/run/kube-proxy-nft" "$root/var/lib/kube-proxy" "$root/var/lib/dpkg/status.d"
  ln -s usr/bin "$root/bin"
  ln -s usr/sbin "$root/sbin"
  ln -s usr/lib "$root/lib"
  ln -s usr/lib64 "$root/lib64"
  ln -s ../run "$root/var/run"
  chmod 1777 "$root/tmp"
}

# add_file FILE PATH: a copy of FILE at PATH in the root, and its package in the list.
add_file() {
  real=$(readlink -f "$1")
  mkdir -p "$root$(dirname "$2")"
  cp "$real" "$root$2"
  chmod u=rwX,go=rX "$root$2"
  # dpkg knows a file below /lib by that name, or by /usr/lib.
  { dpkg-query --search "$real" 2>/dev/null || dpkg-query --search "${real#/usr}"; } >"$work/owner" ||
    fail "no package has $real"
  sed -n 's/: \/.*//p' "$work/owner" >>"$work/packages"
}

# What the dynamic linker loads for them: the library's name, where it is.
add_libraries() {
  for program in "$root/usr/bin/kube-proxy-nft" "$root/usr/sbin/nft" "$root/usr/sbin/conntrack"; do
    ldd "$program" >"$work/ldd" || fail "ldd does not know $program"
    if grep 'not found' "$work/ldd" >&2; then fail "$program lacks libraries"; fi
    sed -n 's/^[[:space:]]*\(.* => \)\{0,1\}\(\/[^ ]*\) (0x[0-9a-f]*)$/\2/p' "$work/ldd"
  done | sort -u >"$work/libraries"
  while read -r library; do
    # Neither through the links from /lib to /usr/lib, nor through the library's own: the folder's real name.
    add_file "$library" "$(readlink -f "$(dirname "$library")")/$(basename "$library")"
  done <"$work/libraries"
}

# What programs read: who there is, how names are resolved, what this is.
add_words() {
  printf 'root:x:0:0:root:/:/nonexistent\nkube-proxy-nft:x:%s:%s::/:/nonexistent\n' "$user" "$user" >"$root/etc/passwd"
  printf 'root:x:0:\nkube-proxy-nft:x:%s:\n' "$user" >"$root/etc/group"
  printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$root/etc/nsswitch.conf"
  cp /usr/lib/os-release "$root/usr/lib/os-release"
  ln -s ../usr/lib/os-release "$root/etc/os-release"
  documents=$root/usr/share/doc/kube-proxy-nft
  mkdir -p "$documents"
  install -m 0644 "$work/archive/LICENSE" "$documents/copyright"
  install -m 0644 "$release"/*.cdx.json "$documents"
}

# Debian's packages of which something is there, where scanners look for them in images without dpkg; and their licenses.
name_packages() {
  sort -u "$work/packages" | while read -r package; do
    name=${package%%:*}
    dpkg-query --status "$package" >"$root/var/lib/dpkg/status.d/$name"
    mkdir -p "$root/usr/share/doc/$name"
    # For some it is a link to another package's.
    cp "$(readlink -f "/usr/share/doc/$name")/copyright" "$root/usr/share/doc/$name/copyright"
  done
  mkdir -p "$root/usr/share/common-licenses"
  cat "$root"/usr/share/doc/*/copyright |
    sed -n 's/.*\/usr\/share\/common-licenses\/\([A-Z][A-Za-z]*\(-[0-9.]*[0-9]\)\{0,1\}\).*/\1/p' | sort -u |
    while read -r license; do
      if [ -e "/usr/share/common-licenses/$license" ]; then
        cp "/usr/share/common-licenses/$license" "$root/usr/share/common-licenses/$license"
      fi
    done
}

main "$@"
