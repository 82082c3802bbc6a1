import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { traceText } from '../../../src/cli/trace/text.ts';
import { renderServices } from '../../../src/daemon/answers/services-answer.ts';
import { smallCluster } from './small-cluster.ts';

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

  test('and nowhere else', async () => {
    const { trace, known } = smallCluster();
    const answer = await trace('10.96.0.80:80/tcp');
    assert.ok(!traceText(answer, false).includes('reset when'));
    assert.ok(!renderServices(known, ALL, { resetGoneEndpoints: false }).includes('resetsGone'));
  });
});
