#!/bin/sh
# The steps of .github/workflows/release.yml: github.sh build|test-image|cosign|draft, with the tag in GITHUB_REF_NAME.
#   build       npm run release, signed by the key in RELEASE_SIGNING_KEY (the text of a PEM file)
#   test-image  builds the image of that release, and runs it
#   cosign      signs SHA256SUMS by this workflow's identity; does nothing, and says so, where there is none
#   draft       makes the draft of a GitHub release from the files in dist/draft
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

check_tag
case ${1:-} in
  build) build ;;
  test-image) sh scripts/test-image.sh "dist/release/$tag" ;;
  cosign) cosign_sums ;;
  draft) gh release create "$tag" --draft --verify-tag --title "$tag" --notes 'CHANGELOG.md has what changed.' dist/draft/* ;;
  *) fail 'usage: github.sh build|test-image|cosign|draft' ;;
esac
