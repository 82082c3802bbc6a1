/**
 * `npm run release`: makes dist/release/vVERSION, the files of a release, for amd64 and arm64. See docs/install.md.
 *   SOURCE_DATE_EPOCH  the time in the files, in seconds since 1970; that of the last commit if not given
 *   KPN_SIGNING_KEY    a file with the Ed25519 private key (PEM) that signs SHA256SUMS, and whose public key install.sh
 *                      holds; a development key in .cache if not given, with which nothing is to be published
 */
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import packageJson from '../package.json' with { type: 'json' };
import { bundle } from './bundle.ts';
import { makeExecutable, stripNode } from './executable.ts';
import { checksums, makeArchive, makeChartArchive, signature } from './release/archive.ts';
import { npmPurl } from './release/bundled-packages.ts';
import { foreignNode, makeForeignExecutable } from './release/other-architecture.ts';
import { requirePinned } from './release/pinned-base.ts';
import { envelope, provenance } from './release/provenance.ts';
import { installerWithKey, releaseKey } from './release/release-key.ts';
import { releaseInputs, releaseSbom } from './release/release-sbom.ts';
import { releaseTools, requireTools } from './release/tools.ts';

const root = join(import.meta.dirname, '..');
const { name, version, repository } = packageJson;
const NATIVE = process.arch;
const FOREIGN =
  NATIVE === 'x64'
    ? { arch: 'arm64', strip: 'aarch64-linux-gnu-strip', needs: 'binutils-aarch64-linux-gnu' }
    : { arch: 'x64', strip: 'x86_64-linux-gnu-strip', needs: 'binutils-x86-64-linux-gnu' };

// All that may be missing or wrong is found before the work of minutes begins.
requireTools(releaseTools({ command: FOREIGN.strip, package: FOREIGN.needs }), process.env['PATH'] ?? '');
requirePinned(readFileSync(join(root, 'deploy', 'Dockerfile'), 'utf8'));
const git = (...args: readonly string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();

const nativeNode = createRequire(import.meta.url).resolve(`node-linux-${NATIVE}/bin/node`);
const nodeVersion = execFileSync(nativeNode, ['--version'], { encoding: 'utf8' }).trim();
if (nodeVersion !== process.version) {
  throw new Error(`this is Node ${process.version}, and package-lock.json pins ${nodeVersion}: use "npm run release"`);
}
const commit = git('describe', '--always', '--dirty', '--abbrev=12', '--exclude=*');
const isDirty = commit.endsWith('-dirty');
if (isDirty) console.log(`${commit}: files differ from the commit, so this is none to publish, and has no provenance`);
const epochText = process.env['SOURCE_DATE_EPOCH'] ?? git('log', '-1', '--format=%ct');
if (!/^\d{1,11}$/.test(epochText)) throw new Error(`SOURCE_DATE_EPOCH must be seconds since 1970: ${epochText}`);
const epoch = Number(epochText);
const key = releaseKey(process.env['KPN_SIGNING_KEY'], join(root, '.cache', 'development-key.pem'));
signature('', key.file);
const node = await foreignNode(root, FOREIGN, join(root, '.cache'));

const dist = join(root, 'dist');
mkdirSync(join(dist, 'release'), { recursive: true });
const target = join(dist, 'release', `v${version}`);
const work = mkdtempSync(join(dist, 'release', 'work-'));
try {
  const out = join(work, 'out');
  mkdirSync(out);
  const main = join(work, `${name}.cjs`);
  const inputs = releaseInputs(await bundle(join(root, 'src', 'main.ts'), main, commit));

  const strippedNode = join(work, 'node');
  if (!(await stripNode(nativeNode, strippedNode))) throw new Error('strip is missing: install the package binutils');
  const native = join(work, NATIVE);
  await makeExecutable(main, strippedNode, native);
  const foreign = join(work, FOREIGN.arch);
  if (!(await makeForeignExecutable(main, { ...FOREIGN, node, output: foreign }))) {
    throw new Error(`${FOREIGN.strip} is missing: install the package ${FOREIGN.needs}`);
  }

  for (const [arch, executable] of [
    [NATIVE, native],
    [FOREIGN.arch, foreign],
  ] as const) {
    makeArchive(executable, { version, arch, epoch, output: out });
  }
  makeChartArchive({ version, epoch, output: out });
  writeFileSync(join(out, `${name}-${version}.cdx.json`), releaseSbom(inputs, { commit, epoch }));
  writeFileSync(join(out, 'install.sh'), installerWithKey(readFileSync(join(root, 'install.sh'), 'utf8'), key));

  if (!isDirty) {
    const statement = provenance({
      repository,
      version,
      commit: git('rev-parse', 'HEAD'),
      sums: await checksums(readdirSync(out).map((file) => join(out, file))),
      dependencies: [...inputs.packages, ...inputs.nodePackages].map((each) => ({
        purl: npmPurl(each.name, each.version),
        integrity: each.integrity,
      })),
    });
    writeFileSync(join(out, `${name}-${version}.intoto.jsonl`), envelope(statement, key.file));
  }

  const files = readdirSync(out).sort();
  const sums = await checksums(files.map((file) => join(out, file)));
  writeFileSync(join(out, 'SHA256SUMS'), sums);
  writeFileSync(join(out, 'SHA256SUMS.sig'), signature(sums, key.file));
  rmSync(target, { recursive: true, force: true });
  renameSync(out, target);
  if (key.isForDevelopment) {
    console.log('signed by a development key (.cache/development-key.pem): not to be published. See KPN_SIGNING_KEY');
  }
  console.log(`dist/release/v${version}, from commit ${commit}:`);
  for (const file of [...files, 'SHA256SUMS', 'SHA256SUMS.sig']) {
    console.log(`  ${(statSync(join(target, file)).size / 1e6).toFixed(1).padStart(6)} MB  ${file}`);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
