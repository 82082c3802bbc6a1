#!/bin/sh
# Replaces this node's token with the next one (docs/node-tokens.md). Needs kubectl 1.32 or newer.
set -eu
umask 077
token=${STATE_DIRECTORY:?this is for kube-proxy-nft-token.service}/token
first=$CREDENTIALS_DIRECTORY/first-token
node=${KPN_NODE:-$(uname -n | tr '[:upper:]' '[:lower:]')}

main() {
  trap 'rm -f "$token.new"' EXIT
  if [ -s "$token" ] && renew; then return; fi
  # A first token that was used already is older than ours, which may be good: the API server may be away.
  if [ "$(cat "$first")" != none ] && ! cmp -s "$first" "$token.first"; then
    if [ -s "$token" ]; then put "$token" "$token.before"; fi
    put "$first" "$token"
    if renew; then
      put "$first" "$token.first"
      rm -f "$token.before"
      return
    fi
    if [ -s "$token.before" ]; then mv -f "$token.before" "$token"; fi
  fi
  echo "kube-proxy-nft-token: no new token for the node $node; docs/node-tokens.md tells how to make a first one" >&2
  exit 1
}

renew() {
  kubectl --kubeconfig "$CREDENTIALS_DIRECTORY/kubeconfig" --request-timeout 20s --namespace kube-system \
    create token kube-proxy-nft --bound-object-kind Node --bound-object-name "$node" --duration 168h >"$token.new" &&
    [ -s "$token.new" ] && mv -f "$token.new" "$token"
}

# put FILE COPY: at once.
put() { cat "$1" >"$token.new" && mv -f "$token.new" "$2"; }

main
