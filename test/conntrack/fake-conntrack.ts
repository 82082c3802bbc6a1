import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Lists and deletes lines of a file; what it prints and how it ends is as with conntrack 1.4.7. */
const PROGRAM = `
echo "$*" >> "$dir/calls"
if [ -e "$dir/before" ]; then . "$dir/before"; fi
case $1 in
-L)
  if [ "\${6-}" = --orig-dst ]; then grep " dst=$7 sport" "$dir/flows" || :; else cat "$dir/flows"; fi
  echo 'conntrack v1.4.7 (conntrack-tools): some flow entries have been shown.' >&2 ;;
-D)
  pattern=" dst=$7 sport=[0-9]* dport=$9 .*src=\${11} "
  grep "$pattern" "$dir/flows" > "$dir/deleted" && status=0 || status=1
  grep -v "$pattern" "$dir/flows" > "$dir/rest" || :
  mv "$dir/rest" "$dir/flows"
  cat "$dir/deleted"
  echo "conntrack v1.4.7 (conntrack-tools): $(grep -c . "$dir/deleted") flow entries have been deleted." >&2
  exit $status ;;
esac
`;

/** An executable that plays conntrack with flows of its own. Dispose of it when done. */
export class FakeConntrack {
  readonly #directory = mkdtempSync(join(tmpdir(), 'kpn-conntrack-'));
  readonly executable = join(this.#directory, 'conntrack');

  constructor() {
    this.setFlows([]);
    this.install();
  }

  install(): void {
    writeFileSync(this.executable, `#!/bin/sh\ndir=${this.#directory}\n${PROGRAM}`, { mode: 0o700 });
  }

  uninstall(): void {
    rmSync(this.executable);
  }

  /** The flows, each as "destination port reply-source". */
  get flows(): readonly string[] {
    return lines(this.#read('flows')).map((line) => {
      const [, destination, port, replySource] = / dst=(\S+) .*? dport=(\S+) src=(\S+) /.exec(line) ?? [];
      return `${destination} ${port} ${replySource}`;
    });
  }

  setFlows(flows: readonly string[]): void {
    const text = flows.map((flow, i) => {
      const [destination, port, replySource] = flow.split(' ');
      const reply = `src=${replySource} dst=198.51.100.1 sport=5353 dport=${1000 + i}`;
      return `udp      17 99 src=198.51.100.1 dst=${destination} sport=${1000 + i} dport=${port} ${reply} mark=0 use=1\n`;
    });
    writeFileSync(join(this.#directory, 'flows'), text.join(''));
  }

  /** A shell fragment that runs at the start of each command, to play faults; $dir is a folder for its files. */
  before(script: string): void {
    writeFileSync(join(this.#directory, 'before'), script);
  }

  /** The arguments of each call so far. */
  get calls(): readonly string[] {
    return lines(this.#read('calls'));
  }

  /** Makes a file in $dir that a script waits for. */
  touch(name: string): void {
    writeFileSync(join(this.#directory, name), '');
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #read(name: string): string {
    const path = join(this.#directory, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }
}

function lines(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}
