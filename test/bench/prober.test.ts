import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLOCK } from '../../scripts/bench/clock.ts';
import { loadRuleset, makePacketPaths, plainDnat } from '../../scripts/bench/packet-paths.ts';
import { Prober } from '../../scripts/bench/prober.ts';
import { clusterIp, ENDPOINT_PORT, FRONTEND_PORT, podAddress } from '../../scripts/bench/synthetic-cluster.ts';
import { Workspace } from '../../scripts/bench/workspace.ts';
import { inNamespace, requireRoot, runSync } from '../netns/namespaces.ts';

const PACE = { burst: 2, interval: 1 };

/** Milliseconds within which nothing has to arrive. */
const A_WHILE = 300;

test('Prober: tells when packets arrive where they should, and leaves nothing in conntrack', async (t) => {
  requireRoot();
  const workspace = new Workspace();
  t.after(() => workspace.clear());
  const { client, pods, nodes } = makePacketPaths(workspace, 1);
  const [node = ''] = nodes;
  const leadTo = (pod: number) =>
    loadRuleset(node, `flush ruleset\n${plainDnat(clusterIp(0), FRONTEND_PORT, podAddress(pod), ENDPOINT_PORT)}`);
  await using prober = new Prober(client, pods);
  leadTo(1);
  await prober.arrival(0, [podAddress(0), podAddress(1)], PACE).at;

  const second = prober.arrival(0, [podAddress(2)], PACE);
  const givenUp = prober.arrival(0, [podAddress(3)], PACE);
  let arrived = false;
  void second.at.then(() => {
    arrived = true;
  });
  void givenUp.at.then(() => assert.fail('it was given up'));
  await sleep(A_WHILE);
  assert.ok(!arrived, 'the first pod is not the second one');
  const before = CLOCK.now();
  leadTo(2);
  const at = await second.at;
  assert.ok(before <= at && at <= CLOCK.now());
  givenUp.giveUp();
  leadTo(3);
  await sleep(A_WHILE);
  assert.equal(runSync(inNamespace(node, ['conntrack', '-L'])).stdout, '');
});
