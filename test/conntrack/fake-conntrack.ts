import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = `
echo "$*" >> "$dir/calls"
if [ -e "$dir/before" ]; then . "$dir/before"; fi
exec python3 ${join(import.meta.dirname, 'fake_conntrack.py')} "$dir" "$@"
`;

/** What of a flow is not said. */
const DEFAULTS = ['5353', '198.51.100.1'];

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

  /**
   * The flows, each as "destination port reply-source reply-port source"; the last two may be left out from the end: 5353,
   * and 198.51.100.1.
   */
  get flows(): readonly string[] {
    return lines(this.#read('flows')).map((line) => {
      const [source, destination, , port, answers, , answersPort] = [
        ...line.matchAll(/ (?:src|dst|sport|dport)=(\S+)/g),
      ].map(([, value]) => value);
      const words = [destination, port, answers, answersPort, source];
      while (words.length > 3 && words.at(-1) === DEFAULTS[words.length - 4]) words.pop();
      return words.join(' ');
    });
  }

  setFlows(flows: readonly string[], protocol: 'tcp' | 'udp' = 'udp'): void {
    const text = flows.map((flow, i) => {
      const [destination, port, answers, answersPort = DEFAULTS[0], source = DEFAULTS[1]] = flow.split(' ');
      const reply = `src=${answers} dst=${source} sport=${answersPort} dport=${1000 + i}`;
      const start = protocol === 'udp' ? 'udp      17 99' : 'tcp      6 99 ESTABLISHED';
      return `${start} src=${source} dst=${destination} sport=${1000 + i} dport=${port} ${reply} mark=0 use=1\n`;
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
