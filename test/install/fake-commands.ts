import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * systemctl, as far as install.sh and the uninstall script use it: $STATE/calls gets each call, $STATE/active is there
 * while the service runs and holds its pid, and began with it. A restart runs the installed executable: the service is ready if it
 * succeeds.
 */
const SYSTEMCTL = `#!/bin/sh
echo "systemctl $*" >>"$STATE/calls"
case "$*" in
  'show --property=Version --value') echo '252.38-1~deb12u1' ;;
  'show --property=MainPID --value'*) cat "$STATE/active" 2>/dev/null || echo 0 ;;
  'show --property=ExecMainStartTimestamp'*) date -u -r "$STATE/active" '+%a %Y-%m-%d %H:%M:%S UTC' ;;
  'is-active --quiet '*) [ -e "$STATE/active" ] ;;
  'is-active '*) if [ -e "$STATE/active" ]; then echo active; else echo inactive; exit 3; fi ;;
  restart*)
    rm -f "$STATE/active"
    "$KPN_BIN_DIR/kube-proxy-nft" --become-ready || exit 1
    echo $$ >"$STATE/active"
    ;;
  stop*|'disable --now'*) rm -f "$STATE/active" ;;
esac
`;

/** An nft whose rules are the machine's business: it takes everything, and lists no chains. */
const NFT = `#!/bin/sh
case $1 in
  --version) echo 'nftables v1.0.6 (Lester Gooch #5)' ;;
  -c) cat >/dev/null ;;
esac
`;

const JOURNALCTL = `#!/bin/sh
echo 'the last words of the service'
`;

/**
 * Stands for kube-proxy-nft: knows its version, and whether it becomes ready; $STATE/plan is what `migrate` prints, and
 * $STATE/findings what `check` does, if there is something wrong.
 * `explains`: whether it knows the commands man and completion.
 */
export function fakeExecutable(version: string, { works = true, explains = true } = {}): string {
  return `#!/bin/sh
case $1 in
  --version) echo 'kube-proxy-nft ${version} (commit 0123abc, node v24.21.0)' ;;
  --become-ready) ${works ? 'exit 0' : 'exit 1'} ;;
  man | completion) ${explains ? `echo "$* ${version}"` : 'echo unknown; exit 2'} ;;
  migrate) cat "$STATE/plan" ;;
  check)
    echo "kube-proxy-nft $*" >>"$STATE/checks"
    ${explains ? 'if [ -e "$STATE/findings" ]; then cat "$STATE/findings"; exit 1; fi' : 'exit 2'}
    ;;
  --cleanup) echo 'kube-proxy-nft --cleanup' >>"$STATE/calls" ;;
esac
`;
}

/** A folder for PATH with commands that stand for this machine's. `others`: more of them, or others than these. */
export function fakeCommands(folder: string, others: Readonly<Record<string, string>> = {}): string {
  mkdirSync(folder);
  const commands = { systemctl: SYSTEMCTL, nft: NFT, journalctl: JOURNALCTL, conntrack: '#!/bin/sh\n', ...others };
  for (const [name, text] of Object.entries(commands)) {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}
