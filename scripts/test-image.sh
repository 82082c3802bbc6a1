#!/bin/sh
# Builds the image of a release with deploy/Dockerfile, and runs it as the DaemonSet does: test-image.sh
# dist/release/v0.1.0
# Uses no registry: the Debian root that scripts/nft-versions.sh makes replaces the base image. buildah and runc are
# extracted from Debian's packages into .cache/image, without being installed. For Debian 12 and later, as root, after
# scripts/setup.sh. Downloads 15 MB, and keeps 70 MB. Needs 1.5 GB while it runs.
set -eu

base=trixie

main() {
  if [ $# -ne 1 ]; then
    echo 'test-image: usage: test-image.sh FOLDER-OF-A-RELEASE' >&2
    exit 2
  fi
  release=$(cd "$1" && pwd)
  cd "$(dirname "$0")/.."
  # The checkout is the build context.
  case $release in
    "$PWD"/dist/release/*) release=${release#"$PWD/"} ;;
    *) fail "$release is not in dist/release" ;;
  esac
  roots=${KPN_NFT_ROOTS:-/var/cache/kube-proxy-nft-tests}
  KPN_NFT_ROOTS=$roots KPN_NFT_SUITES=$base sh scripts/nft-versions.sh
  tools=$PWD/.cache/image
  if [ ! -d "$tools" ]; then get_tools; fi
  work=$(mktemp -d .cache/image-XXXXXX)
  work=$PWD/$work
  trap 'rm -rf --one-file-system "$work"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  link_libraries

  policy=--signature-policy=$tools/etc/containers/policy.json
  container=$(buildah from "$policy" scratch)
  buildah add --quiet "$container" "$roots/$base" / >"$work/log"
  buildah commit "$policy" --quiet --rm "$container" "localhost/debian:$base-slim" >"$work/log"
  # The Debian root replaces the base image that deploy/Dockerfile names by digest.
  sed "s|^FROM debian:[^ ]*|FROM localhost/debian:$base-slim|" deploy/Dockerfile >"$work/Dockerfile"
  build kube-proxy-nft
  build kube-proxy-nft-migrate --target migrate
  container=$(buildah from "$policy" --pull-never localhost/kube-proxy-nft)
  # The image has no shell, so buildah's own "run" cannot run anything in it. chroot can.
  KPN_IMAGE_ROOT=$(buildah mount "$container")
  KPN_IMAGE_ENTRYPOINT=$(buildah inspect --format '{{index .OCIv1.Config.Entrypoint 0}}' "$container")
  user=$(buildah inspect --format '{{.OCIv1.Config.User}}' "$container")
  KPN_MIGRATE_ROOT=$(buildah mount "$(buildah from "$policy" --pull-never localhost/kube-proxy-nft-migrate)")
  echo "test-image: $(chroot "$KPN_IMAGE_ROOT" /usr/sbin/nft --version), $(chroot "$KPN_IMAGE_ROOT" \
    "$KPN_IMAGE_ENTRYPOINT" --version); user $user; $(du -sm "$KPN_IMAGE_ROOT" | cut -f 1) MB"

  KPN_RUNC=$tools/usr/sbin/runc
  KPN_SECCOMP=$tools/usr/share/containers/seccomp.json
  export KPN_IMAGE_ROOT KPN_IMAGE_ENTRYPOINT KPN_MIGRATE_ROOT KPN_RUNC KPN_SECCOMP
  node_modules/.bin/node --test --test-timeout=300000 --test-reporter=spec test/deploy/daemon-set.image.ts
}

# build NAME OPTION...: builds one of the images.
build() {
  name=$1
  shift
  buildah build "$policy" --isolation chroot --layers --build-arg "RELEASE=$release" \
    --build-arg "TARGETARCH=$(dpkg --print-architecture)" --file "$work/Dockerfile" --tag "localhost/$name" "$@" . \
    >"$work/log" 2>&1 </dev/null || fail "the image was not built: $(tail -n 20 "$work/log")"
}

fail() {
  echo "test-image: $*" >&2
  exit 1
}

# "unshare": the list of libraries is changed for buildah alone. A variable would not do: it starts itself again without.
buildah() {
  command=$1
  shift
  set -- "$tools/usr/bin/buildah" --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$command" "$@"
  # shellcheck disable=SC2016 # for the inner shell
  CONTAINERS_REGISTRIES_CONF=$tools/etc/containers/registries.conf TMPDIR=$work unshare --mount \
    sh -c 'mount --bind "$0" /etc/ld.so.cache && exec "$@"' "$work/ld.so.cache" "$@"
}

link_libraries() {
  {
    dirname "$(find "$tools/usr/lib" -name libgpgme.so.11)"
    cat /etc/ld.so.conf.d/*.conf
  } >"$work/ld.so.conf"
  /sbin/ldconfig -X -C "$work/ld.so.cache" -f "$work/ld.so.conf"
}

get_tools() {
  mkdir -p .cache
  folder=$(mktemp -d .cache/image-XXXXXX)
  trap 'rm -rf "$folder"' EXIT
  download || { apt-get -qq update && download; }
  mkdir "$folder/root"
  for package in "$folder"/*.deb; do dpkg-deb -x "$package" "$folder/root"; done
  mv "$folder/root" .cache/image
  rm -rf "$folder"
  trap - EXIT
}

download() {
  (cd "$folder" && apt-get -qq -o APT::Sandbox::User=root download buildah runc golang-github-containers-common golang-github-containers-image \
    libgpgme11 libassuan0 libsubid4)
}

main "$@"
