/** `npm run build`: makes dist/kube-proxy-nft, the one file to ship. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { bundle } from './bundle.ts';
import { makeExecutable, stripNode } from './executable.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** The Node binary that package-lock.json pins for this machine, whichever Node runs this script. */
function pinnedNode(): string {
  return createRequire(import.meta.url).resolve(`node-linux-${process.arch}/bin/node`);
}

/** The short commit of the checkout, with "-dirty" where files differ from it; "unknown" without git or a checkout. */
function commit(): string {
  const describe = ['describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'];
  try {
    return execFileSync('git', describe, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  } catch (error) {
    console.log(`no commit to put in the version: ${error instanceof Error ? error.message.trim() : error}`);
    return 'unknown';
  }
}

const started = new Date();
mkdirSync(dist, { recursive: true });
// Each build in a folder of its own and renamed at the end: two builds at a time do not meet, a daemon that runs the
// old file is not disturbed, and a build that fails leaves the old file.
const work = mkdtempSync(join(dist, 'build-'));
try {
  const main = join(work, 'kube-proxy-nft.cjs');
  const executable = join(work, 'kube-proxy-nft');
  const strippedNode = join(work, 'node');
  await bundle(join(root, 'src', 'main.ts'), main, commit());
  const stripped = await stripNode(pinnedNode(), strippedNode);
  if (!stripped) console.log('no strip command (Debian package binutils): the executable will be 18 MB larger');
  await makeExecutable(main, stripped ? strippedNode : pinnedNode(), executable);
  // As old as the start of the build: a source changed since then makes it out of date (scripts/setup.sh).
  utimesSync(executable, started, started);
  renameSync(main, join(dist, 'kube-proxy-nft.cjs'));
  renameSync(executable, join(dist, 'kube-proxy-nft'));
} finally {
  rmSync(work, { recursive: true, force: true });
}
const megabytes = (statSync(join(dist, 'kube-proxy-nft')).size / 1e6).toFixed(1);
console.log(`dist/kube-proxy-nft: ${megabytes} MB in ${((Date.now() - started.getTime()) / 1000).toFixed(1)} s`);
