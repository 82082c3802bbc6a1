import { execFile } from 'node:child_process';
import { mkdir, rename } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
// Internal to pkg, whose command line can set neither the code cache nor execArgv: hence its exact version in
// package.json, and test/executable/ for what comes out.
import sea from '@yao-pkg/pkg/lib-es5/sea.js';

const run = promisify(execFile);

/** The flags of Node every run of the executable gets, and all that it gets: NODE_OPTIONS is not read. */
const EXEC_ARGV = [
  // In MB. The young generation of the heap grows to 16 MB per semi-space by default. Our garbage is small and
  // short-lived: with 4 the first fill of 10,000 Services with 5 endpoints each peaks 30 MB lower. What a fill leaves
  // behind goes soon after it (src/daemon/memory-saver.ts).
  '--max-semi-space-size=4',
  // In MB. V8's default follows the machine, up to 4 GB, and the higher the limit, the further V8 lets a heap grow
  // before it collects it. 30,000 Services with 5 endpoints each need a fraction of this; beyond it something leaks,
  // and a restart loses no traffic.
  '--max-old-space-size=1024',
  // Otherwise SIGUSR1 opens a debugger port on loopback, through which any local user becomes the daemon's user.
  '--disable-sigusr1',
];

/**
 * What an executable for either architecture says in Node's sea-config.json. "none": Node would take flags from
 * NODE_OPTIONS, and with them code (`--require`) and a debugger (`--inspect`), into a process that programs the network.
 */
export const SEA_CONFIG = {
  disableExperimentalSEAWarning: true,
  useSnapshot: false,
  execArgv: EXEC_ARGV,
  execArgvExtension: 'none',
} as const;

/**
 * Makes a copy of the Node binary `node` without its symbol tables at `output` (16 of 127 MB) and returns true; without
 * `strip` (Debian package binutils) it leaves nothing there and returns false.
 * Must happen before the application is put in: stripped afterwards, the executable dies with a segmentation fault.
 */
export async function stripNode(node: string, output: string): Promise<boolean> {
  await mkdir(dirname(output), { recursive: true });
  const unfinished = `${output}.${process.pid}`;
  try {
    await run('strip', ['-o', unfinished, node]);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
  await rename(unfinished, output);
  return true;
}

/**
 * Writes the executable `output`: the Node binary `node` with the CommonJS file `main` in it, and V8's code cache for
 * that file, which spares compiling it at every start. `node` also makes that cache, so it must run on this machine.
 * With `node` given, pkg reaches for no network. Throws where pkg does.
 */
export async function makeExecutable(main: string, node: string, output: string): Promise<void> {
  const target = { nodeRange: 'node24', platform: 'linux', arch: process.arch, output } as const;
  // pkg works in a temporary folder of its own below TMPDIR. There, `main` can be named by a relative path, and that
  // name, not a path of the machine it was built on, is what stack traces show.
  process.env['TMPDIR'] = resolve(dirname(main));
  // Written to Node's sea-config.json as it is; pkg's type knows only some of its keys.
  const seaConfig = { ...SEA_CONFIG, main: join('..', basename(main)), useCodeCache: true };
  await sea.default(main, { targets: [target], nodePath: node, signature: false, seaConfig });
}
