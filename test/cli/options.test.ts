import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { rawService, rawSlice } from '../builders/raw-objects.ts';
import { Place } from './program.ts';

/** A folder of this place with default/web, its annotations, and default/plain. */
function manifests(place: Place, name: string, annotations: Readonly<Record<string, string>>): string {
  const web = rawService('web', '10.96.0.10');
  const items = [
    { ...web, metadata: { ...web.metadata, annotations } },
    rawSlice('web', ['10.0.1.1', '10.0.1.2']),
    rawService('plain', '10.96.0.11'),
    rawSlice('plain', ['10.0.1.3']),
  ];
  mkdirSync(place.file(name));
  writeFileSync(place.file(`${name}/all.json`), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  return place.file(name);
}

const NEAR = { 'kube-proxy-nft/zone-spill-over': '30%' };
const LIMITED = { ...NEAR, 'kube-proxy-nft/limit': '100/s', 'kube-proxy-nft/slow-start': '30s' };

suite('annotations and flags of ours', () => {
  test('are shown by status and get, and what changes of them by diff', async (context) => {
    const place = new Place(context);
    const before = manifests(place, 'before', LIMITED);
    await place.startDaemon(['--manifests', before, '--no-watch', '--source-ranges-on-node-ports']);
    const { stdout } = await place.run(['status']);
    assert.match(
      stdout,
      /^ {2}options +limit 1, slow-start 1, zone-spill-over 1; zone-spill-over has no effect: .*\n {2}flags +--source-ranges-on-node-ports$/m,
    );
    const told = JSON.parse((await place.run(['status', '-o', 'json'])).stdout);
    assert.deepEqual(
      [told.options, told.flags],
      [{ limit: 1, 'slow-start': 1, 'zone-spill-over': 1 }, ['--source-ranges-on-node-ports']],
    );
    const services = (await place.run(['get', 'services', '-o', 'wide'])).stdout;
    assert.match(
      services,
      /^default +web .* served; zone-spill-over 30% has no effect: .*; 100\/s for each client \(.*\); slow start 30s /m,
    );
    assert.match(services, /^default +plain .* served +0 /m);

    // No rule shows slow start, nor what is reset.
    const after = manifests(place, 'after', {
      ...NEAR,
      'kube-proxy-nft/lb-algorithm': 'client-hash',
      'kube-proxy-nft/reset-gone-endpoints': 'true',
    });
    const changed = await place.run(['diff', '-f', after]);
    assert.equal(changed.exitCode, 1, changed.stderr);
    assert.match(
      changed.stdout,
      /\(2 endpoints; lb-algorithm random → client-hash; limits 100\/s for each client → none; reset when its endpoint is gone: no → yes; slow start 30s → none\)$/m,
    );
    assert.match(changed.stdout, /0 added, 0 removed, 1 changed, 1 unchanged$/m);
    const same = await place.run(['diff', '-f', before]);
    assert.equal(same.exitCode, 0, same.stdout);

    const [, chain = ''] = /chain (limit-\S+)/.exec(place.nft('list chains ip')) ?? [];
    place.nft(`flush chain ip kube-proxy-nft ${chain}`);
    const { stdout: differences } = await place.run(['diff']);
    assert.match(differences, /^- {3}chain limit-\S+ \(the limit of Service default\/web\): a rule was deleted: /m);
  });
});
