import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type Browser, chromium } from 'playwright-core';
import { eventually } from '../builders/eventually.ts';
import { built } from '../executable/executable.ts';
import { addNamespace, inNamespace, NAMESPACE_PREFIX, removeNamespace } from '../netns/namespaces.ts';
import { NFT } from '../netns/replace-nft.ts';

/** Where screenshots go: nothing that is committed. */
export const SCREENSHOTS = join(import.meta.dirname, '..', '..', 'dist', 'view');

/** This node's name. */
export const NODE = 'node-1';

/** Where the page is. */
export const PAGE_URL = 'http://127.0.0.1:10249/page';

let made = 0;

/** A network namespace with the executable's daemon, and a browser beside it. */
export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'kpn-view-'));
  readonly #name = `${NAMESPACE_PREFIX}${process.pid}-view-${made++}`;
  #daemon: ChildProcess | undefined;
  #browser: Browser | undefined;
  #log = '';

  constructor() {
    addNamespace(this.#name);
    // Without a network beside loopback Chromium calls itself disconnected, and sends no requests.
    this.command(['ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1']);
    for (const name of ['lo', 'eth1']) this.command(['ip', 'link', 'set', name, 'up']);
    this.command(['ip', 'address', 'add', '192.0.2.7/24', 'dev', 'eth0']);
    this.command(['ip', 'link', 'set', 'eth0', 'up']);
    this.command(['ip', 'route', 'add', 'default', 'via', '192.0.2.1']);
    mkdirSync(SCREENSHOTS, { recursive: true });
  }

  /** The objects that the daemon has from now on. */
  objects(items: readonly object[]): void {
    writeFileSync(join(this.folder, 'objects.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  }

  /** Starts the daemon with these objects, and waits until their rules are in force. `path`: where it finds nft. */
  async start(
    items: readonly object[],
    { flags = [], path = process.env['PATH'] ?? '' }: StartOptions = {},
  ): Promise<void> {
    this.objects(items);
    const manifests = ['--manifests', join(this.folder, 'objects.json')];
    const argv = [built, '--run-dir', join(this.folder, 'run'), '--hostname-override', NODE, ...manifests, ...flags];
    const [file = '', ...args] = inNamespace(this.#name, ['/usr/bin/env', `PATH=${path}`, ...argv]);
    const child = spawn(file, args, { env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#daemon = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
    await eventually(
      () => this.#log.includes('ready: ') || child.exitCode !== null,
      () => this.#log,
    );
    if (child.exitCode !== null) throw new Error(`the daemon ended: ${this.#log}`);
  }

  /**
   * From now on nft only lists, for the daemon, and `undo` takes that back. It must have been started with `nftFolder` first
   * in its PATH. The nft that it keeps open ends, too.
   */
  breakNft(): { readonly undo: () => void } {
    const mark = join(this.folder, 'broken');
    writeFileSync(mark, '');
    const { pid } = this;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    for (const child of children) {
      if (readFileSync(`/proc/${child}/comm`, 'utf8').trim() === 'nft') process.kill(Number(child), 'SIGKILL');
    }
    return { undo: () => rmSync(mark) };
  }

  /** A folder with an nft that can be broken. */
  get nftFolder(): string {
    const folder = join(this.folder, 'bin');
    mkdirSync(folder, { recursive: true });
    const script = `case "$*" in *list*) ;; *) if [ -e ${this.folder}/broken ]; then exit 1; fi ;; esac`;
    writeFileSync(join(folder, 'nft'), `#!/bin/sh\n${script}\nexec ${NFT} "$@"\n`, { mode: 0o755 });
    return folder;
  }

  /** Chromium, in the same network namespace. */
  async browser(): Promise<Browser> {
    if (this.#browser !== undefined) return this.#browser;
    const program = join(this.folder, 'chromium');
    const command = inNamespace(this.#name, ['chromium']).map((word) => `'${word}'`);
    writeFileSync(program, `#!/bin/sh\nexec ${command.join(' ')} "$@"\n`, { mode: 0o755 });
    // Its sandbox does not take root, who the tests are: what it loads is our own page, and nothing else can be reached.
    this.#browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-gpu'] });
    return this.#browser;
  }

  /** Runs a program in the namespace to its end; returns what it prints. */
  command(argv: readonly string[]): string {
    const [file = '', ...args] = inNamespace(this.#name, [...argv]);
    return execFileSync(file, args, { encoding: 'utf8' });
  }

  /** Connects to an address and port from this node, fifty times a second, until `stop`. */
  knock(address: string, port: number): { readonly stop: () => void } {
    const code = `setInterval(() => net.connect(${port}, '${address}').on('error', () => undefined), 20)`;
    const [file = '', ...args] = inNamespace(this.#name, [process.execPath, '-e', code]);
    const child = spawn(file, args, { stdio: 'ignore' });
    return { stop: () => child.kill('SIGKILL') };
  }

  /** The daemon's process id. */
  get pid(): number {
    return this.#daemon?.pid ?? 0;
  }

  /** Ends the daemon. */
  stop(): void {
    this.#daemon?.kill('SIGKILL');
  }

  /** Ends all that was started here. */
  async close(): Promise<void> {
    await this.#browser?.close();
    this.stop();
    removeNamespace(this.#name);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

interface StartOptions {
  readonly flags?: readonly string[];
  readonly path?: string;
}
