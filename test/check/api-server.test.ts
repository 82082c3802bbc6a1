import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { checkApiServer } from '../../src/check/api-server.ts';
import type { Finding } from '../../src/check/finding.ts';
import { readNode } from '../../src/check/node-networks.ts';
import { loadConnection } from '../../src/source/api/connection.ts';
import { rawNode, rawService, rawSlice } from '../builders/raw-objects.ts';
import { type ApiServer, startApiServer } from '../doubles/api-server.ts';

suite('what an API server lets us do', () => {
  let api: ApiServer;
  const folder = mkdtempSync(join(tmpdir(), 'kpn-check-'));
  const kubeconfig = join(folder, 'kubeconfig');

  before(async () => {
    api = await startApiServer();
    api.kubeconfig(kubeconfig);
    for (const object of [rawNode('node-a', '192.0.2.1'), rawNode('node-b', '192.0.2.2')]) api.put(object);
    for (let i = 0; i < 7; i++) {
      api.put(rawService(`s${i}`, `10.96.0.${i + 1}`));
      api.put(rawSlice(`s${i}`, ['10.32.0.1', '10.32.0.2', '10.32.0.3']));
    }
  });

  after(async () => {
    await api.stop();
    rmSync(folder, { recursive: true });
  });

  const check = async (otherNodes = false) => {
    const connection = loadConnection({ kubeconfig, environment: {} });
    const said = await checkApiServer(connection, 'node-a', AbortSignal.timeout(20_000), { otherNodes });
    connection.close();
    return said;
  };
  const of = (findings: readonly Finding[], topic: string) =>
    findings.filter((one) => one.topic === topic).map(({ state, found }) => `${state}: ${found}`);

  test('all of it: nothing is wrong, and the cluster is counted', async () => {
    const { findings, access } = await check();
    assert.deepEqual(
      findings.map(({ topic, state }) => `${topic}: ${state}`),
      ['API server: ok', 'API access: ok', 'clock: ok'],
    );
    assert.match(of(findings, 'API server')[0] ?? '', /^ok: https:\/\/127\.0\.0\.1:\d+ answers: Kubernetes v1\.37\.2$/);
    assert.deepEqual([access?.services, access?.endpoints], [7, 21]);
    assert.equal(readNode(access?.node)?.name, 'node-a');
  });

  for (const [on, verb] of [
    ['list', 'list'],
    ['watch', 'watch'],
  ] as const) {
    test(`no right to ${verb} EndpointSlices: a problem with what to grant`, async () => {
      api.fail({ on, kind: 'EndpointSlice', status: 403, message: `endpointslices is forbidden: cannot ${verb}` });
      const { findings } = await check();
      api.heal();
      const [finding, ...rest] = findings.filter(({ topic }) => topic === 'API access');
      assert.deepEqual([finding?.state, rest], ['problem', []]);
      assert.match(finding?.found ?? '', new RegExp(`^${verb} of endpointslices: .* 403 .*cannot ${verb}`));
      assert.match(finding?.remedy ?? '', /rbac\.yaml/);
    });
  }

  test('Nodes of others, where they are wanted: a warning says what is without effect', async () => {
    assert.deepEqual(of((await check(true)).findings, 'API access').length, 1);
    api.fail({ kind: 'Node', fieldSelector: 'metadata.name!=node-a', status: 403, times: 2 });
    const { findings, access } = await check(true);
    api.heal();
    const refused = of(findings, 'API access');
    assert.match(refused[0] ?? '', /^warning: list of other nodes: .* 403 .*; --skip-unreachable-nodes has no effect$/);
    assert.equal(refused.length, 2);
    assert.equal(readNode(access?.node)?.name, 'node-a');
  });

  test('what a daemon does without: a warning; and a server without ServiceCIDRs: none', async () => {
    api.fail({ kind: 'ServiceCIDR', status: 403, times: 2 });
    api.allowsReviewed = false;
    const refused = of((await check()).findings, 'API access');
    api.heal();
    assert.equal(refused.length, 3);
    for (const text of refused) assert.match(text, /^warning: (list|watch) of servicecidrs|^warning: create of events/);
    api.fail({ kind: 'ServiceCIDR', status: 404, times: 2 });
    api.allowsReviewed = true;
    const old = of((await check()).findings, 'API access');
    api.heal();
    assert.equal(old.length, 2);
    assert.match(old[1] ?? '', /^ok: this API server has no servicecidrs/);
  });

  test('no right to create a SelfSubjectAccessReview: unknown', async () => {
    api.allowsReviewed = 403;
    const said = of((await check()).findings, 'API access');
    api.allowsReviewed = true;
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', /^unknown: create of events: whether it is allowed is not known/);
  });

  test('a server that is overloaded is nobody’s fault here: unknown', async () => {
    api.fail({ kind: 'Service', on: 'list', status: 429 });
    const said = of((await check()).findings, 'API access');
    assert.match(said[0] ?? '', /^unknown: list of services: .* answers 429/);
  });

  test('a clock that is off: by an hour a problem, by ten seconds a warning', async () => {
    for (const [aheadOfUs, expected] of [
      [3_600_000, /^problem: this node's clock is (3599|3600|3601) s behind the API server's/],
      [-3_600_000, /^problem: this node's clock is (3599|3600|3601) s ahead of/],
      [10_000, /^warning: /],
    ] as const) {
      api.aheadOfUs = aheadOfUs;
      assert.match(of((await check()).findings, 'clock')[0] ?? '', expected);
    }
    api.aheadOfUs = 0;
  });

  test('credentials that it does not know, and no server at all: problems, and nothing else is known', async () => {
    api.tokens.clear();
    const strange = (await check()).findings;
    api.tokens.add('secret-token');
    assert.match(of(strange, 'API server')[0] ?? '', /^problem: .* answers 401/);
    await api.stop();
    const away = (await check()).findings;
    assert.match(of(away, 'API server')[0] ?? '', /^problem: .*ECONNREFUSED/);
    assert.deepEqual(of(away, 'API access'), ['unknown: it could not be checked']);
    await api.start();
  });
});
