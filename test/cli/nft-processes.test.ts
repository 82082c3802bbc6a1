import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { suite, type TestContext, test } from 'node:test';
import { serviceObjects } from '../traffic/manifests.ts';
import { Place } from './program.ts';

/** A daemon over so many Services in both families, and the nft processes that it has started, as their arguments. */
function placeWith(context: TestContext, services: number) {
  const place = new Place(context);
  mkdirSync(place.file('manifests'));
  const items = Array.from({ length: services }, (_, n) =>
    serviceObjects({
      name: `s${n}`,
      clusterIps: { ip4: `10.96.${n >> 8}.${n & 255}`, ip6: `fd00:96::${n.toString(16)}` },
      ports: [{ name: 'http', protocol: 'TCP', port: 80, to: 8080 }],
      endpoints: [{ ip4: `10.32.${n >> 8}.${n & 255}`, ip6: `fd00:32::${n.toString(16)}` }],
    }),
  );
  const list = { apiVersion: 'v1', kind: 'List', items: items.flat() };
  writeFileSync(place.file('manifests/objects.json'), JSON.stringify(list));
  const calls = place.file('calls');
  mkdirSync(place.file('bin'));
  const counting = `#!/bin/sh\necho "$@" >> ${calls}\nPATH=\${PATH#*:}\nexec nft "$@"\n`;
  writeFileSync(place.file('bin/nft'), counting, { mode: 0o755 });
  return async () => {
    writeFileSync(calls, '');
    const args = ['--manifests', place.file('manifests'), '--oom-score-adj=0', '--conntrack-max-per-core=0'];
    const path = `${place.file('bin')}:${process.env['PATH']}`;
    const { stderr } = await (await place.startDaemon(args, { path })).stop();
    return { calls: readFileSync(calls, 'utf8').trim().split('\n').toSorted(), stderr, runDir: place.file('run') };
  };
}

suite('nft is started', () => {
  test('once for a start with few Services: what opens is what looks, loads and changes, for both families', async (context) => {
    const { calls, runDir } = await placeWith(context, 3)();
    assert.deepEqual(calls, [`-j -i -I ${runDir}`]);
  });

  test('once more a family for a restart, however many Services there are', async (context) => {
    const run = placeWith(context, 600);
    await run();
    const { calls, stderr, runDir } = await run();
    assert.deepEqual(calls, [`-j -i -I ${runDir}`, 'list table ip kube-proxy-nft', 'list table ip6 kube-proxy-nft']);
    for (const family of ['ip', 'ip6']) assert.match(stderr, new RegExp(`up to date family="${family}" written=0`));
  });
});
