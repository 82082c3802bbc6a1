import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { checksums, makeArchive } from '../../scripts/release/archive.ts';
import { fakeCommands, fakeExecutable } from './fake-commands.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** How a script ended; `output` is stdout and stderr in order. */
export interface Ended {
  readonly exitCode: number | null;
  readonly output: string;
}

/** A machine to install on: folders of its own, and commands that stand for systemd's and nft. Gone with the test. */
export class Sandbox {
  readonly folder = mkdtempSync(join(tmpdir(), 'kpn-install-'));
  readonly #path: string;

  /** `commands`: others that stand for this machine's. */
  constructor(context: TestContext, commands: Readonly<Record<string, string>> = {}) {
    context.after(() => rmSync(this.folder, { recursive: true }));
    for (const name of ['state', 'work']) mkdirSync(this.at(name));
    const fakes = fakeCommands(this.at('commands'), commands);
    this.#path = `${fakes}:${process.env['PATH']}`;
  }

  at(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  text(...names: readonly string[]): string {
    return readFileSync(this.at(...names), 'utf8');
  }

  has(...names: readonly string[]): boolean {
    return existsSync(this.at(...names));
  }

  /** The calls of systemctl and the executable since the last time, without those that only look. */
  calls(): readonly string[] {
    if (!this.has('state', 'calls')) return [];
    const lines = this.text('state', 'calls').trim().split('\n');
    rmSync(this.at('state', 'calls'));
    return lines.filter((line) => !/^systemctl (?:show|is-active|status)/.test(line));
  }

  /** Makes a release in the folder `name`, and returns its path. `executable`: other than the one that works. */
  async release(version: string, { name = version, executable = fakeExecutable(version) } = {}): Promise<string> {
    const folder = this.at(name);
    mkdirSync(folder, { recursive: true });
    const file = this.at('work', 'executable');
    writeFileSync(file, executable);
    const archive = makeArchive(file, { version, arch: process.arch, epoch: 0, output: folder });
    const others = existsSync(join(folder, 'SHA256SUMS')) ? readFileSync(join(folder, 'SHA256SUMS'), 'utf8') : '';
    writeFileSync(join(folder, 'SHA256SUMS'), others + (await checksums([archive])));
    return folder;
  }

  /** Runs install.sh, or another script in its place, in folders of this machine. */
  install(variables: Readonly<Record<string, string>>, script = join(ROOT, 'install.sh')): Ended {
    return this.#run(script, variables);
  }

  uninstall(variables: Readonly<Record<string, string>> = {}): Ended {
    return this.#run(this.at('bin', 'kube-proxy-nft-uninstall.sh'), variables);
  }

  #run(script: string, variables: Readonly<Record<string, string>>): Ended {
    const env = {
      PATH: this.#path,
      STATE: this.at('state'),
      KPN_BIN_DIR: this.at('bin'),
      KPN_SYSTEMD_DIR: this.at('systemd'),
      KPN_DEFAULT_DIR: this.at('default'),
      KPN_CONFIG_DIR: this.at('config'),
      KPN_SHARE_DIR: this.at('share'),
      KPN_FISH_DIR: this.at('fish', 'completions'),
      KPN_HEALTH_SECONDS: '0',
      ...variables,
    };
    const { error, status, stdout } = spawnSync('sh', ['-c', 'exec "$0" 2>&1', script], { env, encoding: 'utf8' });
    if (error !== undefined) throw error;
    return { exitCode: status, output: stdout };
  }
}
