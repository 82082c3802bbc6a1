import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { asConfigured } from '../../src/daemon/as-configured.ts';
import { service, slice } from '../builders/objects.ts';
import { rawService } from '../builders/raw-objects.ts';
import { Place } from '../cli/program.ts';

suite('an object as configured', () => {
  const open = { bindAddress: undefined, allowExternalIps: true };
  const closed = { bindAddress: undefined, allowExternalIps: false };
  const web = service({ externalIps: ['203.0.113.1'], loadBalancerIps: ['203.0.113.2'] });

  test('is itself by default', () => {
    for (const object of [web, slice([])]) assert.equal(asConfigured(object, open), object);
  });

  test('has no external IPs with AllowServiceExternalIPs off, and all else', () => {
    assert.deepEqual(asConfigured(web, closed), { ...web, externalIps: [] });
    assert.equal(asConfigured(slice([]), closed).kind, 'EndpointSlice');
  });
});

suite('AllowServiceExternalIPs: false in the file', { concurrency: 2 }, () => {
  const config = (gates: string) =>
    `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nfeatureGates: ${gates}\n`;

  function setUp(place: Place, gates: string): readonly string[] {
    const raw = rawService('web', '10.96.0.10', { externalIPs: ['203.0.113.1'] });
    writeFileSync(place.file('web.json'), JSON.stringify(raw));
    writeFileSync(place.file('config.conf'), config(gates));
    return ['--config', place.file('config.conf'), '--manifests', place.file('web.json')];
  }

  for (const [gates, isServed] of [
    ['{}', true],
    ['{AllowServiceExternalIPs: false}', false],
  ] as const) {
    test(`${gates}: external IPs are ${isServed ? '' : 'not '}in a dump without a daemon`, async (context) => {
      const place = new Place(context);
      const { stdout, stderr } = await place.run([...setUp(place, gates), '--dump']);
      assert.match(stdout, /10\.96\.0\.10/, stderr);
      assert.equal(stdout.includes('203.0.113.1'), isServed);
    });

    test(`${gates}: external IPs are ${isServed ? '' : 'not '}in the daemon’s rules`, async (context) => {
      const place = new Place(context);
      const daemon = await place.startDaemon(setUp(place, gates));
      const { stdout } = await place.run(['--dump']);
      await daemon.stop();
      assert.match(stdout, /10\.96\.0\.10/);
      assert.equal(stdout.includes('203.0.113.1'), isServed);
    });
  }
});
