import { closeSync, fsyncSync, openSync, statSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import { type Arguments, isSet } from '../config/arguments.ts';
import { messageOf, ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';
import { archiveOf, contents } from '../support/archive.ts';
import { collect } from '../support/collect.ts';
import { knownSecrets } from '../support/known-secrets.ts';
import { print } from './print.ts';
import { statusOfDaemon } from './status.ts';
import { partsOf } from './support-parts.ts';

/**
 * `support`: writes an archive for a bug report, without secrets. Lists its contents first and, on a terminal without --yes,
 * waits for confirmation before it writes. --list writes nothing.
 * @throws ProxyError E_SUPPORT if the archive cannot be written, or already exists; E_USAGE
 */
export async function support(args: Arguments, _log: Log): Promise<void> {
  const [isList, isYes] = [isSet(args, 'list'), isSet(args, 'yes')];
  if (isList && isYes) throw new ProxyError('E_USAGE', '--list and --yes cannot be given together');
  const now = new Date();
  const folder = folderName(args.nodeName, now);
  const file = fileFor(args.operands[0], `${folder}.tar.gz`);
  const daemon = await statusOfDaemon(args.runDir).catch(() => undefined);
  const { collected, isLate } = await collect(partsOf(args, daemon), knownSecrets(args.kubeconfig, daemon?.pid));
  print(`${file}, without secrets:\n${contents(collected)}`);
  if (isList) print('nothing was written (--list)\n');
  else if (isYes || !isTerminal() || (await agrees())) {
    const archive = archiveOf(folder, collected, Math.floor(now.getTime() / 1000));
    write(file, archive);
    print(
      `written: ${file}, ${(archive.length / 1024).toFixed(1)} KiB, readable only by you; look at it before you share it\n`,
    );
  } else print('nothing was written\n');
  // Parts that are still running only read, so they need not be awaited.
  if (isLate) process.stdout.write('', () => process.exit());
}

/** "kube-proxy-nft-support-node-a-20260301T101500Z". */
function folderName(nodeName: string, now: Date): string {
  const name = nodeName.replace(/[^a-z0-9.-]+/g, '-').slice(0, 40);
  return `kube-proxy-nft-support-${name}-${now.toISOString().replace(/[-:]|\.\d+/g, '')}`;
}

/** The path to write to: the requested path, or a file in it if it is a folder. */
function fileFor(requested: string | undefined, name: string): string {
  const path = resolve(requested || '.');
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? join(path, name) : path;
}

function isTerminal(): boolean {
  return process.stdin.isTTY && process.stdout.isTTY;
}

async function agrees(): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(?:es)?$/i.test((await terminal.question('Write it? [y/N] ')).trim());
  } finally {
    terminal.close();
  }
}

/** Never overwrites an existing file, and never follows a link that someone put there. */
function write(file: string, archive: Buffer): void {
  try {
    const fd = openSync(file, 'wx', 0o600);
    try {
      for (let at = 0; at < archive.length; ) at += writeSync(fd, archive, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new ProxyError('E_SUPPORT', `${file} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}
