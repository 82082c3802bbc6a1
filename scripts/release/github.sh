#!/bin/sh
# The steps of .github/workflows/release.yml and image.yml: github.sh STEP, with the tag in GITHUB_REF_NAME.
#   build       npm run release, signed by the key in RELEASE_SIGNING_KEY (the text of a PEM file)
#   test-image  builds the image of that release, and runs it
#   cosign      signs SHA256SUMS by this workflow's identity; does nothing, and says so, where there is none
#   draft       makes the draft of a GitHub release from the files in dist/draft
#   fetch       gets the files of the published release, and checks them
#   push-image  builds both images for all architectures from these, pushes them to the registry of GITHUB_REPOSITORY,
#               and has cosign sign them, and the SBOM to them, by this workflow's identity; GH_TOKEN may push
set -eu
cd "$(dirname "$0")/../.."

tag=${GITHUB_REF_NAME:?the tag of the release}
key=

fail() {
  echo "release: $*" >&2
  exit 1
}

remove_key() {
  if [ -n "$key" ]; then rm -f "$key"; fi
}
trap remove_key EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Two that differ would be a release under another name than its files say.
check_tag() {
  version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
  if [ "$tag" != "v$version" ]; then fail "the tag is $tag, and package.json has version $version"; fi
}

build() {
  if [ -z "${RELEASE_SIGNING_KEY:-}" ]; then
    fail 'RELEASE_SIGNING_KEY is not set: a release signed by a development key is not to be published'
  fi
  sh scripts/setup.sh --without-build
  install_strip
  key=$(mktemp)
  printf '%s\n' "$RELEASE_SIGNING_KEY" >"$key"
  unset RELEASE_SIGNING_KEY
  KPN_SIGNING_KEY=$key npm run --silent release
}

# strip for the other architecture.
install_strip() {
  case $(dpkg --print-architecture) in
    amd64) package=binutils-aarch64-linux-gnu ;;
    *) package=binutils-x86-64-linux-gnu ;;
  esac
  export DEBIAN_FRONTEND=noninteractive
  set -- apt-get -qq install --yes --no-install-recommends "$package"
  "$@" || { apt-get -qq update && "$@"; }
}

cosign_sums() {
  if [ -z "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ]; then
    echo 'release: this workflow has no identity, so SHA256SUMS is not signed by cosign, only by our own key' >&2
    return
  fi
  cosign sign-blob --yes --bundle "dist/release/$tag/SHA256SUMS.cosign.json" "dist/release/$tag/SHA256SUMS"
}

# Checked by the key that the installer of the same release holds, as an installation does.
fetch() {
  release=dist/release/$tag
  rm -rf "$release"
  mkdir -p "$release"
  gh release download "$tag" --dir "$release"
  key=$(mktemp)
  {
    echo '-----BEGIN PUBLIC KEY-----'
    sed -n 's/^RELEASE_KEY=\(.*\)$/\1/p' "$release/install.sh"
    echo '-----END PUBLIC KEY-----'
  } >"$key"
  openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$release/SHA256SUMS" -sigfile "$release/SHA256SUMS.sig" ||
    fail "SHA256SUMS.sig is not by the key that install.sh holds"
  if ! grep -q '^RELEASE_KEY_IS_FOR_DEVELOPMENT=$' "$release/install.sh"; then
    fail 'the release is signed by a development key'
  fi
  (cd "$release" && sha256sum --check --strict --quiet SHA256SUMS) || fail 'a file is not what SHA256SUMS says'
}

push_image() {
  if [ -z "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ]; then
    fail 'this workflow has no identity: an image that nobody has signed is not to be pushed'
  fi
  image=ghcr.io/${GITHUB_REPOSITORY:?the repository}
  version=${tag#v}
  printf '%s' "${GH_TOKEN:?a token that may push}" | docker login ghcr.io --username github --password-stdin
  push_target image "$version"
  push_target migrate "$version-migrate"
}

# push_target TARGET IMAGE-TAG
push_target() {
  metadata=$(mktemp)
  docker buildx build --platform linux/amd64,linux/arm64 --build-arg "RELEASE=dist/release/$tag" --file deploy/Dockerfile \
    --target "$1" --tag "$image:$2" --provenance=mode=max --sbom=false --metadata-file "$metadata" --push .
  digest=$(sed -n 's/.*"containerimage.digest": "\(sha256:[0-9a-f]\{64\}\)".*/\1/p' "$metadata")
  rm -f "$metadata"
  if [ -z "$digest" ]; then fail "docker does not say which digest $image:$2 has"; fi
  cosign sign --yes "$image@$digest"
  cosign attest --yes --type cyclonedx --predicate "dist/release/$tag/kube-proxy-nft-$version.cdx.json" "$image@$digest"
  echo "$image:$2@$digest"
}

check_tag
case ${1:-} in
  build) build ;;
  test-image) sh scripts/test-image.sh "dist/release/$tag" ;;
  cosign) cosign_sums ;;
  draft) gh release create "$tag" --draft --verify-tag --title "$tag" --notes 'CHANGELOG.md has what changed.' dist/draft/* ;;
  fetch) fetch ;;
  push-image) push_image ;;
  *) fail 'usage: github.sh build|test-image|cosign|draft|fetch|push-image' ;;
esac
