#!/bin/sh
# Removes kube-proxy-nft from this node: the service, its rules, and every file that install.sh and the service created.
# It removes only empty directories. If a directory contains other files, it stays, and the script names it. With
# KPN_KEEP_CONFIG=1, the configuration stays. Services do not work on this node until another proxy runs.
set -eu

main() {
  if [ "$(id -u)" -ne 0 ]; then
    echo 'kube-proxy-nft-uninstall: run this as root (sudo)' >&2
    exit 1
  fi
  # Each step runs even if the previous one failed, so that one run removes as much as possible.
  failures=0
  if command -v systemctl >/dev/null; then
    if [ -e '@SYSTEMD_DIR@/kube-proxy-nft.service' ]; then
      try systemctl disable --now kube-proxy-nft.service
      # The files that systemd keeps for the service. This is possible only while the unit is known.
      try systemctl clean --what=all kube-proxy-nft.service
    fi
  fi
  if [ -x '@BIN_DIR@/kube-proxy-nft' ]; then try '@BIN_DIR@/kube-proxy-nft' --cleanup; fi
  try rm -f '@SYSTEMD_DIR@/kube-proxy-nft.service'
  remove_folder '@SYSTEMD_DIR@/kube-proxy-nft.service.d'
  # What systemctl clean has left, for example if systemd does not run.
  for folder in /run/private/kube-proxy-nft /run/kube-proxy-nft; do
    try rm -f "$folder/control.sock" "$folder"/ip.json "$folder"/ip6.json "$folder"/ip.nft "$folder"/ip6.nft "$folder"/migrate*
    remove_folder "$folder"
  done
  for folder in /var/lib/private/kube-proxy-nft /var/lib/kube-proxy-nft; do
    try rm -f "$folder/cluster.jsonl" "$folder/cluster.jsonl.new"
    remove_folder "$folder"
  done
  try rm -f '@SHARE_DIR@/man/man8/kube-proxy-nft.8' '@SHARE_DIR@/bash-completion/completions/kube-proxy-nft' \
    '@SHARE_DIR@/zsh/site-functions/_kube-proxy-nft' '@FISH_DIR@/kube-proxy-nft.fish'
  if [ -z "${KPN_KEEP_CONFIG:-}" ]; then
    try rm -f '@DEFAULT_FILE@' '@CONFIG_DIR@/kubeconfig' '@CONFIG_DIR@/kubeconfig.new' '@CONFIG_DIR@/kubeconfig.cred' \
      '@CONFIG_DIR@/.installed' '@CONFIG_DIR@/.installed.new'
    remove_folder '@CONFIG_DIR@'
  fi
  if command -v systemctl >/dev/null; then
    try systemctl daemon-reload
    # systemd remembers a failed unit after its file is removed.
    systemctl reset-failed kube-proxy-nft.service 2>/dev/null || true
  fi
  if [ "$failures" -ne 0 ]; then
    echo "kube-proxy-nft-uninstall: $failures steps failed, see above; fix this and run it again" >&2
    exit 1
  fi
  try rm -f '@BIN_DIR@/kube-proxy-nft' '@BIN_DIR@/kube-proxy-nft-uninstall.sh'
  echo 'kube-proxy-nft is removed. Services do not work on this node until another proxy runs.'
}

# remove_folder PATH: removes an empty directory, or a dangling link that systemd made. Others stay.
remove_folder() {
  if [ -L "$1" ] && [ ! -e "$1" ]; then
    try rm -f "$1"
  elif [ -L "$1" ]; then
    return
  elif [ -d "$1" ] && ! rmdir "$1" 2>/dev/null; then
    echo "kube-proxy-nft-uninstall: $1 stays: it contains other files" >&2
  fi
}

try() {
  "$@" || {
    echo "kube-proxy-nft-uninstall: failed: $*" >&2
    failures=$((failures + 1))
  }
}

main
