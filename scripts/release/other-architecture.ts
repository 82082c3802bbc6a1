import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { SEA_CONFIG } from '../executable.ts';

const run = promisify(execFile);

/** Marks the place in a Node binary that says whether an application is in it. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

export interface Foreign {
  /** The architecture as npm and Node call it: "arm64". */
  readonly arch: string;
  /** The strip command for it. */
  readonly strip: string;
}

/**
 * The Node binary for another architecture that package-lock.json pins, in the folder `cache`; downloaded by npm, which
 * checks it against the lockfile, if it is not there. (In node_modules it would take the place of this machine's.)
 */
export async function foreignNode(root: string, { arch }: Foreign, cache: string): Promise<string> {
  const lock = await readFile(join(root, 'package-lock.json'), 'utf8');
  const name = `node-linux-${arch}`;
  const { version } = (JSON.parse(lock) as { packages: Record<string, { version: string }> }).packages[
    `node_modules/${name}`
  ] ?? { version: undefined };
  if (version === undefined) throw new Error(`package-lock.json does not name ${name}`);
  const node = join(cache, `${name}-${version}`);
  if (await stat(node).catch(() => undefined)) return node;
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'npm-'));
  try {
    for (const file of ['package.json', 'package-lock.json']) await cp(join(root, file), join(folder, file));
    const flags = ['--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund', `--cpu=${arch}`, '--os=linux'];
    await run('npm', ['ci', '--loglevel=error', ...flags], { cwd: folder });
    await rename(join(folder, 'node_modules', name, 'bin', 'node'), node);
  } finally {
    await rm(folder, { recursive: true });
  }
  return node;
}

/**
 * Writes the executable `output` for another architecture: its Node binary `node` with the CommonJS file `main` in it.
 * Without a code cache, which only such a machine can make: starting takes longer there. Returns whether there was a strip command (18 MB less).
 * This process must be of the Node version of `node`: the form of what is put in changes between versions.
 */
export async function makeForeignExecutable(
  main: string,
  { node, output, strip }: { node: string; output: string } & Foreign,
): Promise<boolean> {
  const work = await mkdtemp(`${output}-`);
  try {
    const config = {
      ...SEA_CONFIG,
      main: join('..', basename(main)),
      output: 'application.blob',
      useCodeCache: false,
    };
    await writeFile(join(work, 'sea.json'), JSON.stringify(config));
    if (dirname(main) !== dirname(work)) throw new Error(`${main} must be in the folder of ${output}`);
    await run(process.execPath, ['--experimental-sea-config', 'sea.json'], { cwd: work });
    const unfinished = join(work, 'executable');
    // Before the application is put in: stripped afterwards, the executable dies.
    const stripped = await run(strip, ['-o', unfinished, node]).then(
      () => true,
      (error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
        throw error;
      },
    );
    if (!stripped) await copyFile(node, unfinished);
    // pkg brings it. As a program, since it warns on stderr of what does not matter.
    const postject = createRequire(createRequire(import.meta.url).resolve('@yao-pkg/pkg/package.json')).resolve(
      'postject',
    );
    const inject = [join(dirname(postject), 'cli.js'), unfinished, 'NODE_SEA_BLOB', join(work, config.output)];
    await run(process.execPath, [...inject, '--sentinel-fuse', FUSE]);
    await rename(unfinished, output);
    return stripped;
  } finally {
    await rm(work, { recursive: true });
  }
}
