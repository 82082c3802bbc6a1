#!/bin/sh
# Installs kube-proxy-nft as a systemd service. The same command upgrades it.
#
#   curl -fsSL https://github.com/kube-proxy-nft/kube-proxy-nft/releases/latest/download/install.sh | sh
#
# The script checks the machine, downloads one archive, verifies its checksum, installs the files, starts the service
# and checks that it works. If it does not work, the script restores the previous version. If there is nothing to do, it
# changes nothing. The rules stay in force all the time. docs/install.md has the details.
#
# Environment variables (set those with "=1" to 1 to turn them on):
#   KPN_VERSION          the version to install, such as 0.1.0 (default: the latest release)
#   KPN_KUBECONFIG       a kubeconfig for the service; KPN_CONFIG_DIR gets a copy with all files embedded
#   KPN_ARGS             the daemon's flags, for the first installation; later they are in KPN_DEFAULT_DIR
#   KPN_ARTIFACTS        a directory with the archive and SHA256SUMS, instead of a download
#   KPN_BASE_URL         a mirror: VERSION files in BASE/vVERSION/, the latest ones also in BASE/latest/
#   KPN_ALLOW_HTTP=1     the mirror may be http:// (also set KPN_SHA256 or KPN_PUBLIC_KEY, because anybody on the path
#                        can change files and checksums)
#   KPN_SHA256           the checksum of the archive, from a source that you trust; also replaces the signature
#   KPN_PUBLIC_KEY       a file with the Ed25519 public key (PEM) that must have signed SHA256SUMS, instead of the
#                        release key in this script; needs openssl 3
#   KPN_ALLOW_DOWNGRADE=1  allow a version that is older than the installed one
#   KPN_SKIP_DOWNLOAD=1  the files are already installed: only configure and start
#   KPN_SKIP_START=1     do not start or restart anything, and do not require a running systemd (for images)
#   KPN_SKIP_ENABLE=1    do not start the service at boot
#   KPN_SKIP_CHECKS=1    continue even if the machine lacks something
#   KPN_FORCE_RESTART=1  restart the service even if nothing has changed
#   KPN_HEALTH_SECONDS   how long the new version must keep running before it is trusted (default: 5)
#   KPN_HEALTH_COMMAND   a command for sh that must succeed within KPN_HEALTH_SECONDS after a start
#   KPN_BIN_DIR          for the executable (/usr/local/bin; /opt/bin if that is read-only)
#   KPN_SYSTEMD_DIR      for the unit (/etc/systemd/system)
#   KPN_DEFAULT_DIR      for the environment file kube-proxy-nft (/etc/default)
#   KPN_CONFIG_DIR       for the kubeconfig, and the record of what is installed (/etc/kube-proxy-nft)
#   KPN_SHARE_DIR        for the manual page, and completion for bash and zsh (/usr/local/share), if writable
#   KPN_FISH_DIR         for completion for fish (/etc/fish/completions), if writable

# sh runs nothing until it has read the closing brace, so an incomplete download does nothing.
{
set -eu

NAME=kube-proxy-nft
UNIT=$NAME.service
RELEASES=https://github.com/kube-proxy-nft/kube-proxy-nft/releases
KUBECONFIG_COPY=/run/credentials/$UNIT/kubeconfig
# The Ed25519 public key that signs releases (base64 of its DER form), and whether it is for development only. The
# release script fills them in. Without a key, as in a checkout, signatures are checked only with KPN_PUBLIC_KEY.
RELEASE_KEY=
RELEASE_KEY_IS_FOR_DEVELOPMENT=

main() {
  if [ $# -gt 0 ]; then
    say "it takes no arguments, but environment variables: the top of the script and docs/install.md list them"
    case $1 in -h | --help) exit 0 ;; *) exit 2 ;; esac
  fi
  read_settings
  check_machine
  check_places
  lock
  trap 'on_exit $?' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  if [ -z "${KPN_SKIP_DOWNLOAD:-}" ]; then get_files; fi
  write_kubeconfig
  write_default_file
  look_for_kube_proxy
  start
  replacing=
  forget_previous
  write_record
  write_manual || true
  tell_problems || true
  tell_what_is_next
}

say() { printf '%s\n' "install.sh: $*"; }
warn() { printf '%s\n' "install.sh: warning: $*" >&2; }
die() {
  printf '%s\n' "install.sh: $*" >&2
  exit 1
}

# --- settings ---------------------------------------------------------------------------------------------------------

read_settings() {
  export LC_ALL=C
  PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
  umask 022
  work=
  replacing=
  was_active=
  version=${KPN_VERSION:-}
  version=${version#v}
  case $version in *[!0-9A-Za-z.+-]*) die "KPN_VERSION=$KPN_VERSION is not a version such as 0.1.0" ;; esac
  health_seconds=${KPN_HEALTH_SECONDS:-5}
  case $health_seconds in '' | *[!0-9]*) die "KPN_HEALTH_SECONDS=$health_seconds is not a number of seconds" ;; esac
  # systemd reads them from an environment file, between double quotes.
  case ${KPN_ARGS:-} in *[\"\\\$\`]* | *'
'*) die 'KPN_ARGS must be one line without quotes, backslashes, dollar signs and backticks' ;; esac
  bin_dir=${KPN_BIN_DIR:-$(default_bin_dir)}
  systemd_dir=${KPN_SYSTEMD_DIR:-/etc/systemd/system}
  config_dir=${KPN_CONFIG_DIR:-/etc/$NAME}
  default_file=${KPN_DEFAULT_DIR:-/etc/default}/$NAME
  share_dir=${KPN_SHARE_DIR:-/usr/local/share}
  fish_dir=${KPN_FISH_DIR:-/etc/fish/completions}
  for folder in "$bin_dir" "$systemd_dir" "$config_dir" "$default_file" "$share_dir" "$fish_dir"; do check_folder "$folder"; done
  case $config_dir in
    /bin | /boot | /etc | /etc/default | /etc/systemd | /etc/systemd/system | /home | /lib | /lib64 | /media | /mnt | /opt | \
      /root | /run | /sbin | /srv | /tmp | /usr | /usr/bin | /usr/lib | /usr/local | /usr/local/bin | /usr/local/etc | \
      /usr/local/share | /usr/sbin | /usr/share | /var | /var/lib | /var/log | /var/run | /var/tmp)
      die "KPN_CONFIG_DIR=$config_dir is a system directory: choose one that is only for $NAME" ;;
  esac
  executable=$bin_dir/$NAME
  unit_file=$systemd_dir/$UNIT
  uninstall_script=$bin_dir/$NAME-uninstall.sh
  kubeconfig=$config_dir/kubeconfig
  record=$config_dir/.installed
}

# check_folder PATH: paths go into the unit and the uninstall script, which root runs.
check_folder() {
  case $1 in
    /*[!A-Za-z0-9/._-]* | [!/]* | */ | *//*) die "$1: use an absolute path of letters, digits and /._-, without a / at its end" ;;
  esac
  case $1/ in
    */../* | */./*) die "$1: use a path without . and .." ;;
    /proc/* | /sys/* | /dev/*) die "$1: /proc, /sys and /dev belong to the kernel" ;;
  esac
}

# The other folders may be shared: every file that goes there has our name. In KPN_CONFIG_DIR, the kubeconfig has not. So
# this folder must be new, empty or ours, or this script would replace, and the uninstall script remove, somebody's file.
check_places() {
  for file in "$executable" "$uninstall_script" "$unit_file" "$default_file"; do
    if [ -d "$file" ] || [ "$file" = "$config_dir" ]; then
      die "$file is a directory, but ${file##*/} must be a file there. Choose another directory. Nothing was changed"
    fi
  done
  if [ -e "$config_dir" ] && [ ! -d "$config_dir" ]; then die "KPN_CONFIG_DIR=$config_dir is not a directory. Nothing was changed"; fi
  if is_empty "$config_dir" || is_ours "$config_dir"; then return; fi
  die "KPN_CONFIG_DIR=$config_dir contains files that are not $NAME's: choose a directory that is new, empty, or named \
$NAME. Nothing was changed"
}

# is_empty DIRECTORY: whether it contains nothing, or does not exist.
is_empty() { [ ! -e "$1" ] || { list=$(ls -A "$1/") && [ -z "$list" ]; }; }

# is_ours DIRECTORY: whether it has our name, or is the KPN_CONFIG_DIR of an earlier installation. That has a record; and
# until the first start succeeds, or with KPN_SKIP_DOWNLOAD, the unit names it.
is_ours() {
  if [ "${1##*/}" = "$NAME" ]; then return; fi
  if [ -f "$record" ] && grep -q '^archive [0-9a-f]\{64\}$' "$record"; then return; fi
  [ -f "$unit_file" ] && grep -qxF "LoadCredential=kubeconfig:$1/kubeconfig" "$unit_file"
}

# Some systems (Flatcar, Fedora CoreOS' relatives) have a read-only /usr.
default_bin_dir() {
  if [ -x "/usr/local/bin/$NAME" ]; then
    echo /usr/local/bin
  elif [ -x "/opt/bin/$NAME" ] || { [ -e /usr/local/bin ] && ! writable /usr/local/bin; }; then
    echo /opt/bin
  else
    echo /usr/local/bin
  fi
}

# In some shells, "test -w" succeeds for root even on a read-only file system.
writable() { (: >"$1/.$NAME.$$") 2>/dev/null && rm -f "$1/.$NAME.$$"; }

# --- what the machine must have ---------------------------------------------------------------------------------------

check_machine() {
  if [ "$(uname -s)" != Linux ]; then die 'this script is for Linux'; fi
  if [ "$(id -u)" -ne 0 ]; then die 'run this script as root: put sudo before sh'; fi
  case $(uname -m) in
    x86_64 | amd64) arch=amd64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) die "there is no release for the architecture $(uname -m), only for x86_64 and aarch64" ;;
  esac
  lacking=
  check_tools
  check_kernel
  check_nft
  check_systemd
  if ! have conntrack; then
    warn "the program conntrack is missing: UDP clients of removed pods wait until their flow times out. $(get_it conntrack)"
  fi
  if [ -z "$lacking" ]; then return; fi
  printf 'install.sh: this machine lacks something:\n%s' "$lacking" >&2
  if [ -z "${KPN_SKIP_CHECKS:-}" ]; then die 'nothing was changed. Fix this, or set KPN_SKIP_CHECKS=1 to continue anyway'; fi
  warn 'continuing anyway (KPN_SKIP_CHECKS)'
}

have() { command -v "$1" >/dev/null 2>&1; }

lack() {
  lacking="$lacking  - $*
"
}

# get_it COMMAND: how to install the package that contains a command.
get_it() {
  package=$1
  case $1 in
    nft) package=nftables ;;
    sha256sum) package=coreutils ;;
    conntrack) if ! have apt-get; then package=conntrack-tools; fi ;;
  esac
  if have apt-get; then
    echo "Get it with: apt-get install $package"
  elif have dnf; then
    echo "Get it with: dnf install $package"
  elif have yum; then
    echo "Get it with: yum install $package"
  elif have zypper; then
    echo "Get it with: zypper install $package"
  elif have pacman; then
    echo "Get it with: pacman -S $package"
  else
    echo "Install the package $package"
  fi
}

check_tools() {
  if [ -n "${KPN_SKIP_DOWNLOAD:-}" ]; then return; fi
  for tool in tar gzip; do
    if ! have "$tool"; then lack "the program $tool, for the archive. $(get_it "$tool")"; fi
  done
  if ! have sha256sum && ! have shasum && ! have openssl; then
    lack "the program sha256sum, for the checksum. $(get_it sha256sum)"
  fi
  if [ -z "${KPN_ARTIFACTS:-}" ] && ! have curl && ! have_gnu_wget; then
    lack "the program curl or GNU wget, for the download (other wgets check no certificates). $(get_it curl)"
  fi
  if needs_signature && ! have openssl; then
    lack "the program openssl, for the signature (KPN_SHA256, with a checksum that you trust, does without). $(get_it openssl)"
  fi
}

# BusyBox' wget accepts any certificate, and follows any redirect.
have_gnu_wget() {
  case $(wget --version 2>/dev/null) in 'GNU Wget'*) ;; *) return 1 ;; esac
}

needs_signature() {
  [ -n "${KPN_PUBLIC_KEY:-}" ] || { [ -n "$RELEASE_KEY" ] && [ -z "${KPN_SHA256:-}" ]; }
}

check_kernel() {
  kernel=$(uname -r)
  if ! at_least "$kernel" 5.13; then
    lack "a kernel that is new enough: this is $kernel, and nftables here needs 5.13. Update the kernel or the system"
  fi
}

check_nft() {
  if ! have nft; then
    lack "the program nft, which programs the rules. $(get_it nft)"
    return
  fi
  nft_version=$(nft --version 2>/dev/null | sed -n 's/^nftables v\([0-9.]*\).*/\1/p')
  if ! at_least "${nft_version:-0}" 1.0.1; then
    lack "an nft that is new enough: this is ${nft_version:-of an unknown version}, and 1.0.1 is needed. Update the package nftables"
    return
  fi
  if ! at_least "$nft_version" 1.0.6; then warn "nft $nft_version is older than 1.0.6, the oldest version that is tested"; fi
  # For an image, the kernel of the build machine does not matter.
  if [ -n "${KPN_SKIP_START:-}" ]; then return; fi
  if ! complaint=$(try_rules ''); then
    lack "nftables in the kernel (CONFIG_NF_TABLES), or the right to use it: $(echo "$complaint" | head -n 1)"
    return
  fi
  while read -r option rule; do
    if ! try_rules "$rule" >/dev/null; then lack "a part of nftables in the kernel: $option (nft rule '$rule' is refused)"; fi
  done <<'RULES'
CONFIG_NF_CONNTRACK,_CONFIG_NFT_CT ct state new counter
CONFIG_NFT_NAT dnat to 192.0.2.1:80
CONFIG_NFT_MASQ masquerade fully-random
CONFIG_NFT_REJECT_IPV4 reject
CONFIG_NFT_FIB_IPV4 fib daddr type local counter
CONFIG_NFT_NUMGEN numgen random mod 2 vmap { 0 : accept, 1 : drop }
RULES
}

# try_rules RULE: whether the kernel and nft accept it; prints their message. Changes nothing (-c).
try_rules() {
  case $1 in
    dnat*) hook='type nat hook prerouting priority -100' ;;
    masquerade*) hook='type nat hook postrouting priority 100' ;;
    *) hook='type filter hook input priority 0' ;;
  esac
  protocol=
  case $1 in dnat*) protocol='meta l4proto tcp' ;; esac
  printf 'table ip %s-check {\n chain check {\n  %s;\n  %s %s\n }\n}\n' "$NAME" "$hook" "$protocol" "$1" |
    nft -c -f - 2>&1
}

check_systemd() {
  if ! have systemctl; then
    lack 'systemd (the program systemctl): on other systems, run the executable from the archive with your own service manager'
    return
  fi
  if [ -n "${KPN_SKIP_START:-}" ]; then return; fi
  systemd_version=$(systemctl show --property=Version --value 2>/dev/null || true)
  if [ -z "$systemd_version" ]; then
    lack 'a running systemd: this machine was not booted with it. For an image, set KPN_SKIP_START=1'
  elif ! at_least "${systemd_version%%[!0-9.]*}" 247; then
    lack "a newer systemd: this is $systemd_version, and LoadCredential= needs 247. Update the system"
  fi
}

# at_least A B: whether version A is B or newer. Compares the first three numbers.
at_least() {
  [ "$(version_number "$1")" -ge "$(version_number "$2")" ]
}

version_number() {
  echo "$1" | sed 's/[^0-9.].*//' | {
    IFS=. read -r major minor patch _ || true
    echo $((${major:-0} * 1000000 + ${minor:-0} * 1000 + ${patch:-0}))
  }
}

# --- the files --------------------------------------------------------------------------------------------------------

lock() {
  mkdir -p "$bin_dir" "$systemd_dir" "$config_dir" "${default_file%/*}"
  if ! writable "$bin_dir"; then die "$bin_dir is not writable: choose another directory with KPN_BIN_DIR"; fi
  # Two runs would undo each other's work. The lock belongs to the directory, and ends with this process.
  exec 9<"$bin_dir"
  if have flock && ! flock -n 9; then die "another install.sh is working on $bin_dir: wait until it has finished"; fi
  # Remove what killed runs have left.
  rm -rf "$bin_dir/.$NAME-install-"??????
}

get_files() {
  read_record
  # In the directory of the executable: /tmp may be small, or mounted noexec.
  work=$(mktemp -d "$bin_dir/.$NAME-install-XXXXXX")
  find_archive
  if [ "$archive_sum" = "$record_archive" ] && is_intact; then
    say "$NAME $version is installed already"
    return
  fi
  refuse_downgrade
  say "installing $NAME $version"
  if [ -n "${KPN_ARTIFACTS:-}" ]; then
    archive=$KPN_ARTIFACTS/$archive_name
    if [ ! -f "$archive" ]; then die "SHA256SUMS names $archive, but the file does not exist"; fi
  else
    archive=$work/$archive_name
    fetch "$base_url/v$version/$archive_name" "$archive"
  fi
  actual=$(sha256 <"$archive")
  if [ "$actual" != "$archive_sum" ]; then
    die "$archive_name has the checksum $actual instead of $archive_sum: it is damaged or not ours. Nothing was changed"
  fi
  unpack
  case $(systemctl is-active "$UNIT" 2>/dev/null || true) in active | activating | reloading) was_active=yes ;; esac
  replacing=yes
  put "$work/$NAME" "$executable" 755
  put "$work/$NAME-uninstall.sh" "$uninstall_script" 755
  put "$work/$UNIT" "$unit_file" 644
}

# Sets archive_name, archive_sum and version.
find_archive() {
  sums=$work/SHA256SUMS
  base_url=${KPN_BASE_URL:-$RELEASES/download}
  base_url=${base_url%/}
  if [ -n "${KPN_ARTIFACTS:-}" ]; then
    signature=
    if needs_signature; then signature=SHA256SUMS.sig; fi
    for file in SHA256SUMS $signature; do
      if ! cp "$KPN_ARTIFACTS/$file" "$work/$file"; then die "KPN_ARTIFACTS: $KPN_ARTIFACTS/$file cannot be read"; fi
    done
  else
    if [ -n "$version" ]; then
      folder=$base_url/v$version
    elif [ -n "${KPN_BASE_URL:-}" ]; then
      folder=$base_url/latest
    else
      folder=$RELEASES/latest/download
    fi
    fetch "$folder/SHA256SUMS" "$sums"
    if needs_signature; then fetch "$folder/SHA256SUMS.sig" "$sums.sig"; fi
  fi
  if needs_signature; then check_signature; fi
  archive_name=
  archive_sum=
  while read -r sum name; do
    case $name in "$NAME-"[0-9]*"-linux-$arch.tar.gz") ;; *) continue ;; esac
    if [ -n "$version" ] && [ "$name" != "$NAME-$version-linux-$arch.tar.gz" ]; then continue; fi
    if [ -n "$archive_name" ]; then die "SHA256SUMS names more than one version: choose one with KPN_VERSION"; fi
    archive_name=$name
    archive_sum=$sum
  done <"$sums"
  if [ -z "$archive_name" ]; then die "SHA256SUMS names no archive of ${version:-any version} for linux-$arch"; fi
  version=${archive_name#"$NAME-"}
  version=${version%"-linux-$arch.tar.gz"}
  case $archive_name in *[!0-9A-Za-z.+_-]*) die 'SHA256SUMS contains an invalid name. Nothing was changed' ;; esac
  case $archive_sum in *[!0-9a-f]*) die 'SHA256SUMS contains an invalid SHA-256 checksum. Nothing was changed' ;; esac
  if [ ${#archive_sum} -ne 64 ]; then die 'SHA256SUMS contains an invalid SHA-256 checksum. Nothing was changed'; fi
  if [ -n "${KPN_SHA256:-}" ] && [ "$KPN_SHA256" != "$archive_sum" ]; then
    die "$archive_name should have the checksum $KPN_SHA256 (KPN_SHA256), but SHA256SUMS says $archive_sum. Nothing was changed"
  fi
}

check_signature() {
  key=${KPN_PUBLIC_KEY:-$work/release-key.pem}
  whose="the key in $key"
  if [ -z "${KPN_PUBLIC_KEY:-}" ]; then
    printf '%s\n' '-----BEGIN PUBLIC KEY-----' "$RELEASE_KEY" '-----END PUBLIC KEY-----' >"$key"
    whose='the release key of this script'
    if [ -n "$RELEASE_KEY_IS_FOR_DEVELOPMENT" ]; then
      warn 'this is not a published release: it is signed by a development key that the release script made'
    fi
  fi
  openssl pkeyutl -verify -rawin -pubin -inkey "$key" -in "$sums" -sigfile "$sums.sig" >/dev/null ||
    die "SHA256SUMS is not signed by $whose. Nothing was changed"
}

# Old versions are signed, too. Anybody who controls the mirror or the path to it could bring back their faults.
refuse_downgrade() {
  if [ -n "${KPN_ALLOW_DOWNGRADE:-}" ]; then return; fi
  installed=$("$executable" --version 2>/dev/null | sed -n "s/^$NAME \([0-9A-Za-z.+-]*\) .*/\1/p" || true)
  if [ -n "$installed" ] && is_older "$version" "$installed"; then
    die "$version is older than the installed version, $installed. To install it, set KPN_ALLOW_DOWNGRADE=1. Nothing was changed"
  fi
}

# is_older A B: whether version A comes before B (https://semver.org): by numbers, a pre-release before its release.
is_older() {
  if [ "$1" = "$2" ]; then return 1; fi
  if [ "$(version_number "$1")" -ne "$(version_number "$2")" ]; then
    [ "$(version_number "$1")" -lt "$(version_number "$2")" ]
    return
  fi
  case $1/$2 in
    *-*/*-*) [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ] ;;
    *-*/*) ;;
    *) return 1 ;;
  esac
}

# fetch URL FILE
fetch() {
  protocols='=https'
  case $1 in
    https://*) ;;
    http://*)
      if [ -z "${KPN_ALLOW_HTTP:-}" ]; then die "$1: http is not allowed; see KPN_ALLOW_HTTP at the top of this script"; fi
      protocols='=http,https'
      ;;
    *) die "$1: the URL must start with https://" ;;
  esac
  if have curl; then
    curl -fsSL --proto "$protocols" --proto-redir "$protocols" --connect-timeout 20 --max-time 1800 --retry 3 -o "$2" "$1" ||
      die "$1 cannot be downloaded (see above). Nothing was changed"
  elif have_gnu_wget; then
    fetch_by_wget "$1" "$2"
  else
    die "$1 cannot be downloaded: install curl or GNU wget. Nothing was changed"
  fi
}

# fetch_by_wget URL FILE: wget cannot restrict redirects, so this function checks each one.
fetch_by_wget() {
  url=$1
  hops=0
  while ! wget -q -S --max-redirect=0 -T 20 -t 3 -O "$2" "$url" 2>"$work/headers"; do
    status=$(sed -n 's|^ *HTTP/[0-9.]* *\([0-9]*\).*|\1|p' "$work/headers" | tail -n 1)
    location=$(sed -n 's/^ *[Ll]ocation: *\([^[:space:]]*\).*/\1/p' "$work/headers" | tail -n 1 | tr -cd '[:graph:]')
    case $status in
      301 | 302 | 303 | 307 | 308) ;;
      *)
        # wget prints its error only without -q: try again to show it.
        wget -nv -S --max-redirect=0 -T 20 -t 1 -O /dev/null "$url" 2>&1 | grep -v '^ ' | tail -n 3 >&2 || true
        die "$url cannot be downloaded${status:+ (status $status)}. Nothing was changed"
        ;;
    esac
    origin=$(printf '%s\n' "$url" | sed 's|^\([a-z]*://[^/]*\).*|\1|')
    case $location in
      //*) location=${url%%:*}:$location ;;
      /*) location=$origin$location ;;
    esac
    case $location in
      https://*) ;;
      http://*) if [ "$protocols" = '=https' ]; then die "$url redirects to $location: http is not allowed. Nothing was changed"; fi ;;
      *) die "$url redirects to $location: the URL must start with https://. Nothing was changed" ;;
    esac
    hops=$((hops + 1))
    if [ "$hops" -gt 10 ]; then die "$1 redirects more than ten times. Nothing was changed"; fi
    url=$location
  done
}

# The checksum of stdin.
sha256() {
  if have sha256sum; then
    sha256sum
  elif have shasum; then
    shasum -a 256
  else
    openssl dgst -sha256 -r
  fi | sed 's/[^0-9a-f].*//'
}

# Extracts into $work: the executable, and the other files with this machine's paths filled in.
unpack() {
  folder=$NAME-$version-linux-$arch
  mkdir "$work/unpacked"
  # By name, so that nothing else is extracted.
  tar -xzf "$archive" -C "$work/unpacked" "$folder/$NAME" "$folder/$UNIT" "$folder/$NAME.default" "$folder/$NAME-uninstall.sh" ||
    die "$archive_name cannot be unpacked. Nothing was changed"
  mv "$work/unpacked/$folder/$NAME" "$work/$NAME"
  chmod 755 "$work/$NAME"
  for file in "$UNIT" "$NAME.default" "$NAME-uninstall.sh"; do
    sed -e "s|@BIN_DIR@|$bin_dir|g" -e "s|@SYSTEMD_DIR@|$systemd_dir|g" -e "s|@CONFIG_DIR@|$config_dir|g" \
      -e "s|@DEFAULT_FILE@|$default_file|g" -e "s|@SHARE_DIR@|$share_dir|g" -e "s|@FISH_DIR@|$fish_dir|g" \
      "$work/unpacked/$folder/$file" >"$work/$file"
  done
  rm -rf "$work/unpacked"
  if ! output=$("$work/$NAME" --version 2>"$work/errors"); then
    head -n 5 "$work/errors" >&2
    die 'the executable does not run here. It needs glibc 2.28 or newer (not musl) and libstdc++. Nothing was changed'
  fi
  case $output in
    "$NAME $version "*) ;;
    *) die "the archive should contain $NAME $version, but its executable prints: $output. Nothing was changed" ;;
  esac
}

# put NEW FILE MODE: replaces FILE with NEW in one step, so FILE is never missing or incomplete. Keeps the previous file
# next to it until the installation has succeeded.
put() {
  chmod "$3" "$1"
  rm -f "$(previous "$2")"
  if cmp -s "$1" "$2"; then
    chmod "$3" "$2"
    return
  fi
  if [ -e "$2" ]; then ln "$2" "$(previous "$2")" 2>/dev/null || cp -p "$2" "$(previous "$2")"; fi
  # Writes to the same directory first, because a rename works only within a file system, and syncs before it.
  mv -f "$1" "$2.new"
  sync "$2.new" 2>/dev/null || sync
  mv -f "$2.new" "$2"
  if have restorecon; then restorecon "$2" 2>/dev/null || true; fi
}

previous() { echo "${1%/*}/.${1##*/}.previous"; }

forget_previous() {
  for file in "$executable" "$uninstall_script" "$unit_file"; do rm -f "$(previous "$file")"; done
}

# --- the record of what was installed -----------------------------------------------------------------------------------

read_record() {
  record_archive=
  record_files=
  if [ ! -f "$record" ]; then return; fi
  while read -r key value; do
    case $key in
      archive) record_archive=$value ;;
      files) record_files=$value ;;
    esac
  done <"$record"
}

is_intact() { [ -n "$record_files" ] && [ "$(sum_of "$executable" "$uninstall_script" "$unit_file")" = "$record_files" ]; }

# One checksum for several files, which may be missing.
sum_of() {
  for file in "$@"; do
    if [ -f "$file" ]; then sha256 <"$file"; else echo none; fi
  done | sha256
}

write_record() {
  # With KPN_SKIP_DOWNLOAD, the record does not change.
  if [ -z "${archive_sum:-}" ]; then return; fi
  {
    echo "archive $archive_sum"
    echo "files $(sum_of "$executable" "$uninstall_script" "$unit_file")"
  } >"$record.new"
  mv -f "$record.new" "$record"
}

# --- the manual page and completion -----------------------------------------------------------------------------------

# The executable prints them. They are optional: a failure here does not fail the installation.
write_manual() {
  if [ -d "$share_dir" ]; then
    offer "$share_dir/man/man8/$NAME.8" man
    offer "$share_dir/bash-completion/completions/$NAME" completion bash
    offer "$share_dir/zsh/site-functions/_$NAME" completion zsh
  fi
  # fish is installed.
  if [ -d "${fish_dir%/*}" ]; then offer "$fish_dir/$NAME.fish" completion fish; fi
}

# offer FILE WORDS: writes what the executable prints for WORDS to FILE. Writes no file if the version prints nothing, or
# if the directory is not writable.
offer() {
  file=$1
  shift
  if ! mkdir -p "${file%/*}" 2>/dev/null || ! writable "${file%/*}"; then return; fi
  if ! "$executable" "$@" >"$file.new" 2>/dev/null || [ ! -s "$file.new" ]; then
    rm -f "$file.new" "$file"
  elif cmp -s "$file.new" "$file"; then
    rm -f "$file.new"
  else
    mv -f "$file.new" "$file" || rm -f "$file.new"
  fi
}

# --- configuration ----------------------------------------------------------------------------------------------------

write_default_file() {
  if [ -e "$default_file" ]; then
    if [ -n "${KPN_ARGS:-}" ]; then warn "$default_file already exists and does not change: KPN_ARGS is not used"; fi
    return
  fi
  args=${KPN_ARGS:-}
  case $args in
    *--kubeconfig* | *--manifests* | *--config*) ;;
    *) args="--kubeconfig $KUBECONFIG_COPY${args:+ $args}" ;;
  esac
  if [ ! -f "$work/$NAME.default" ]; then
    # KPN_SKIP_DOWNLOAD, or the file was deleted since: write it without its comments.
    mkdir -p "${work:=$(mktemp -d "$bin_dir/.$NAME-install-XXXXXX")}"
    echo 'KUBE_PROXY_NFT_ARGS="@ARGS@"' >"$work/$NAME.default"
  fi
  # It may later contain passwords, such as a web proxy's.
  (umask 077 && sed "s|@ARGS@|$(printf '%s' "$args" | sed 's/[&|\\]/\\&/g')|" "$work/$NAME.default" >"$default_file.new")
  mv -f "$default_file.new" "$default_file"
}

write_kubeconfig() {
  if [ -z "${KPN_KUBECONFIG:-}" ]; then return; fi
  if [ ! -r "$KPN_KUBECONFIG" ]; then die "KPN_KUBECONFIG: $KPN_KUBECONFIG cannot be read"; fi
  if ! (umask 077 && flattened "$KPN_KUBECONFIG" >"$kubeconfig.new"); then
    rm -f "$kubeconfig.new"
    die "$KPN_KUBECONFIG names files, which the service cannot read, and there is no kubectl to put them into it. Make a \
copy with everything in it, where there is one: kubectl config view --raw --minify --flatten --kubeconfig $KPN_KUBECONFIG"
  fi
  if names_files "$kubeconfig.new"; then
    rm -f "$kubeconfig.new"
    die "$KPN_KUBECONFIG names a token file, which the service cannot read: put the token itself into it"
  fi
  if cmp -s "$kubeconfig.new" "$kubeconfig"; then
    rm -f "$kubeconfig.new"
  else
    mv -f "$kubeconfig.new" "$kubeconfig"
  fi
}

flattened() {
  if ! names_files "$1"; then
    cat "$1"
  elif have kubectl; then
    kubectl config view --raw --minify --flatten --kubeconfig "$1"
  elif have k3s; then
    k3s kubectl config view --raw --minify --flatten --kubeconfig "$1"
  else
    return 1
  fi
}

names_files() {
  grep -Eq '(certificate-authority|client-certificate|client-key|tokenFile)"?[[:space:]]*:[[:space:]]*[^[:space:]]' "$1"
}

# Whether the service has a source of Services.
is_configured() {
  [ -f "$kubeconfig" ] || [ -f "$kubeconfig.cred" ] || ! grep -q "^KUBE_PROXY_NFT_ARGS=.*$KUBECONFIG_COPY" "$default_file"
}

# --- kube-proxy on this node ------------------------------------------------------------------------------------------

# The executable finds every kind of kube-proxy: a pod, a service, inside k3s; rules in nftables, iptables and IPVS.
look_for_kube_proxy() {
  kube_proxy_works=
  if [ -n "${KPN_SKIP_START:-}" ]; then return; fi
  # A version without this command prints nothing.
  plan=$("$executable" migrate 2>/dev/null || true)
  case $plan in *'kube-proxy:      running'* | *'To be removed from the kernel'*) ;; *) return ;; esac
  say 'this node has a kube-proxy, or rules that one has left. "kube-proxy-nft migrate" prints:'
  printf '%s\n' "$plan" | sed 's/^./    &/'
  case $plan in *'kube-proxy:      running'*) kube_proxy_works=yes ;; esac
}

# --- the service ------------------------------------------------------------------------------------------------------

start() {
  if [ ! -x "$executable" ] || [ ! -f "$unit_file" ]; then
    die "$executable or $unit_file is missing: run this script without KPN_SKIP_DOWNLOAD"
  fi
  if [ -n "${KPN_SKIP_START:-}" ]; then
    if [ -z "${KPN_SKIP_ENABLE:-}" ] && is_configured; then systemctl enable "$UNIT"; fi
    return
  fi
  systemctl daemon-reload
  if ! is_configured || must_wait; then return; fi
  if [ -z "${KPN_SKIP_ENABLE:-}" ]; then systemctl enable --quiet "$UNIT"; fi
  if systemctl is-active --quiet "$UNIT" && [ -z "$replacing${KPN_FORCE_RESTART:-}" ] && ! has_changed; then
    say 'nothing has changed: the service keeps running'
    return
  fi
  say "starting $UNIT, and waiting until the Services are programmed"
  if restart_and_watch; then return; fi
  printf 'install.sh: %s did not become healthy. Its last output:\n' "$UNIT" >&2
  { systemctl status --no-pager --lines=0 "$UNIT" || true; } 2>&1 | sed 's/^/    /' >&2
  { journalctl --no-pager --quiet --output=cat --lines=15 --unit="$UNIT" || true; } 2>&1 | sed 's/^/    /' >&2
  roll_back
  exit 1
}

# The daemon does not start next to a running kube-proxy, unless a flag allows it.
must_wait() {
  [ -n "$kube_proxy_works" ] && ! grep -q '^KUBE_PROXY_NFT_ARGS=.*--beside-kube-proxy' "$default_file" &&
    ! systemctl is-active --quiet "$UNIT"
}

# Whether any file of the service has changed since it was started, whoever started it.
has_changed() {
  since=$(TZ=UTC systemctl show --property=ExecMainStartTimestamp --value "$UNIT")
  since=$(date -d "$since" +%s) || return 0
  for file in "$executable" "$unit_file" "$default_file" "$kubeconfig" "$kubeconfig.cred"; do
    # The time of the last change. This includes a rename.
    if [ -e "$file" ] && [ "$(stat -c %Z "$file")" -gt "$since" ]; then return 0; fi
  done
  return 1
}

main_pid() { systemctl show --property=MainPID --value "$UNIT"; }

# A restart succeeds when the daemon reports that it is ready. It fails after TimeoutStartSec.
restart_and_watch() {
  systemctl restart "$UNIT" || return 1
  pid=$(main_pid)
  seconds=0
  checked=${KPN_HEALTH_COMMAND:+no}
  while :; do
    if ! systemctl is-active --quiet "$UNIT" || [ "$(main_pid)" != "$pid" ]; then return 1; fi
    if [ "$checked" = no ] && sh -c "$KPN_HEALTH_COMMAND" >&2; then checked=yes; fi
    if [ "$seconds" -ge "$health_seconds" ]; then break; fi
    sleep 1
    seconds=$((seconds + 1))
  done
  if [ "$checked" = no ]; then
    warn 'KPN_HEALTH_COMMAND did not succeed'
    return 1
  fi
}

roll_back() {
  replacing=
  if [ ! -e "$(previous "$executable")" ] && [ ! -e "$(previous "$unit_file")" ]; then
    warn "there is no previous version to restore. See: journalctl -u $UNIT"
    return
  fi
  for file in "$executable" "$uninstall_script" "$unit_file"; do
    if [ -e "$(previous "$file")" ]; then mv -f "$(previous "$file")" "$file"; fi
  done
  if [ -n "${KPN_SKIP_START:-}" ]; then return; fi
  systemctl daemon-reload
  if [ -z "$was_active" ]; then
    systemctl stop "$UNIT" || true
    warn 'the previous version is restored, and stopped, as it was before'
  elif restart_and_watch; then
    warn 'the previous version is restored and running. The rules were in force all the time'
  else
    warn "the previous version is restored, but does not become healthy either. See: journalctl -u $UNIT"
  fi
}

# Whatever happens, no new version stays installed unless it was seen to work.
on_exit() {
  trap - EXIT
  # Signals must not interrupt the rollback.
  trap '' INT TERM HUP
  if [ -n "$replacing" ]; then
    warn 'interrupted: restoring the previous version'
    roll_back
  fi
  if [ -n "$work" ]; then rm -rf "$work"; fi
  exit "$1"
}

# Prints problems of this node that the executable finds with the service's flags. They do not undo the installation.
tell_problems() {
  if [ -n "${KPN_SKIP_START:-}${KPN_SKIP_CHECKS:-}" ] || ! is_configured; then return; fi
  args=$(sed -n 's/^KUBE_PROXY_NFT_ARGS="\(.*\)"$/\1/p' "$default_file" | tail -n 1)
  # If the service does not run, its copy does not exist.
  if [ -f "$kubeconfig" ]; then args=$(printf '%s' "$args" | sed "s|$KUBECONFIG_COPY|$kubeconfig|g"); fi
  status=0
  # Split into words, as systemd does. A version without this command prints nothing.
  # shellcheck disable=SC2086
  findings=$(set -f && "$executable" check --run-dir "/run/$NAME" $args 2>/dev/null) || status=$?
  if [ "$status" -ne 1 ]; then return; fi
  say 'this node has problems. "kube-proxy-nft check", with the flags of the service, prints:'
  printf '%s\n' "$findings" | sed -n '/^problem /{p;n;p;}' | sed 's/^/    /'
}

tell_what_is_next() {
  say "$("$executable" --version) is installed"
  if [ -n "${KPN_SKIP_START:-}" ]; then
    say 'the service was not started or restarted (KPN_SKIP_START)'
  elif is_configured && must_wait; then
    say 'the service is not started, because kube-proxy runs here. Stop kube-proxy; its rules stay in force (docs/migration.md). Then:'
    say "systemctl enable --now $NAME, then: $NAME migrate --apply"
  elif is_configured; then
    say "the service runs. See: systemctl status $NAME; $NAME --dump; journalctl -u $NAME"
  else
    say "the service is not started: there is no $kubeconfig yet. Put one there (owner root, mode 0600), or set another source in"
    say "$default_file. Then: systemctl enable --now $NAME"
  fi
  say "to remove it: $uninstall_script"
}

main "$@"
}
