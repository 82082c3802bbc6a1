import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { traceText } from '../../../src/cli/trace/text.ts';
import { renderServices } from '../../../src/daemon/answers/services-answer.ts';
import type { ServiceRow } from '../../../src/status/service-rows.ts';
import { OBJECTS, smallCluster } from './small-cluster.ts';

const ANNOTATIONS = { 'kube-proxy-nft/reset-gone-endpoints': 'true' };

const ALL = new URLSearchParams();

suite('where connections to endpoints that are gone are reset', () => {
  test('trace and get say so, of TCP', async () => {
    const { trace, known } = smallCluster(['--reset-gone-endpoints']);
    const answer = await trace('10.96.0.80:80/tcp');
    assert.equal(answer.connections[0]?.resetsGone, true);
    assert.match(traceText(answer, false), /\n {2}an open connection is reset when its endpoint no longer exists\n/);
    const { rows } = JSON.parse(renderServices(known, ALL, { resetGoneEndpoints: true }));
    const row = rows.find(({ address }: { address: string }) => address === '10.96.0.80:80/tcp');
    assert.equal(row.resetsGone, true);
    const fromKernel = JSON.parse(
      renderServices(
        { ...known, inKernel: { podCidrs: new Map(), detectLocal: { mode: 'ClusterCIDR' }, nodePortAddresses: [] } },
        ALL,
        { resetGoneEndpoints: true },
      ),
    );
    assert.ok(!JSON.stringify(fromKernel).includes('resetsGone'), 'the kernel knows nothing of it');
  });

  test('an annotation alone ends connections at node ports only, if nf_conntrack_tcp_loose is 0: the rest is a shortfall', async () => {
    const objects = OBJECTS.map((object) =>
      'metadata' in object && JSON.stringify(object.metadata).includes('"web"') && !('endpoints' in object)
        ? { ...object, metadata: { name: 'web', namespace: 'default', annotations: ANNOTATIONS } }
        : object,
    );
    const resetAt = async ({ trace, known, args }: ReturnType<typeof smallCluster>) => {
      const { rows } = JSON.parse(renderServices(known, new URLSearchParams({ name: 'web' }), args));
      const reset = rows.filter((row: ServiceRow) => row.resetsGone === true).map((row: ServiceRow) => row.kind);
      const [atClusterIp] = (await trace('10.96.0.80:80/tcp')).connections;
      const [atNodePort] = (await trace(':30080', '198.51.100.7')).connections;
      return {
        kinds: [...new Set(reset)].toSorted(),
        traced: [atClusterIp?.resetsGone ?? false, atNodePort?.resetsGone ?? false],
        shortfalls: known.shortfalls.of('Service', 'default/web'),
      };
    };
    const everywhere = {
      kinds: ['cluster-ip', 'external-ip', 'node-port'],
      traced: [true, true],
      shortfalls: [],
    };
    assert.deepEqual(await resetAt(smallCluster([], objects, true)), everywhere);
    assert.deepEqual(await resetAt(smallCluster(['--reset-gone-endpoints'], objects, false)), everywhere);
    assert.deepEqual(await resetAt(smallCluster([], objects, false)), {
      kinds: ['node-port'],
      traced: [false, true],
      shortfalls: [
        'kube-proxy-nft/reset-gone-endpoints: has an effect only at node ports, as ' +
          'net.netfilter.nf_conntrack_tcp_loose was 0 at the start; start with --reset-gone-endpoints, or set the sysctl ' +
          'to 1 first (annotation)',
      ],
    });
    const off = smallCluster([], OBJECTS, false);
    assert.deepEqual(await resetAt(off), { kinds: [], traced: [false, false], shortfalls: [] });
  });

  test('and nowhere else', async () => {
    const { trace, known } = smallCluster();
    const answer = await trace('10.96.0.80:80/tcp');
    assert.ok(!traceText(answer, false).includes('reset when'));
    assert.ok(!renderServices(known, ALL, { resetGoneEndpoints: false }).includes('resetsGone'));
  });
});
