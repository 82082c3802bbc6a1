import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Drift } from '../../../src/audit/drift.ts';
import { Followers } from '../../../src/daemon/followers/followers.ts';
import { ProxyHealth } from '../../../src/health/proxy-health.ts';
import { FAMILIES } from '../../../src/ip.ts';
import { createMetrics } from '../../../src/metrics/metrics.ts';
import { NftError } from '../../../src/nft/run.ts';
import { createLogSink } from '../../../src/source/event-sink.ts';
import { CleanupError } from '../../../src/sync/cleanup-error.ts';
import { daemonModels } from '../../builders/daemon-models.ts';
import { ready, service, slice } from '../../builders/objects.ts';

function follow() {
  let now = 0;
  const daemon = daemonModels({ flags: ['--nodeport-addresses', '127.0.0.0/8'] });
  const { cluster, models, args, log } = daemon;
  const health = new ProxyHealth({ isNodeEligible: () => true, now: () => now });
  const metrics = createMetrics({ families: FAMILIES, log });
  const followers = new Followers({ cluster, models, args, metrics, health, events: createLogSink(log), log });
  const observers = models.map((model) => followers.observer(model));
  for (const family of FAMILIES) health.started(family);
  const [observer] = observers;
  assert.ok(observer !== undefined);
  return {
    ...daemon,
    health,
    metrics,
    observer,
    close: () => followers.close(),
    pass: (seconds: number) => {
      now += seconds * 1000;
    },
  };
}

describe('what follows the rules', () => {
  it('the proxy is unhealthy a minute after rules failed or were lost, though nothing changed, until they are back', () => {
    const { health, observer, pass, close } = follow();
    for (const trouble of [() => observer.failed(new NftError('refused', 'no')), observer.tableLost]) {
      pass(3600);
      assert.ok(health.isHealthy);
      trouble();
      pass(59);
      assert.ok(health.isHealthy);
      pass(2);
      assert.ok(!health.isHealthy);
      observer.succeeded({ kind: 'full', operations: 0, services: [] });
      assert.ok(health.isHealthy);
    }
    close();
  });

  it('only a fault of the process itself makes a restart worth while', () => {
    for (const [error, alive] of [
      [new NftError('refused', 'no'), true],
      [new NftError('unknown-outcome', 'killed'), true],
      [new NftError('missing', 'no nft'), true],
      [new CleanupError(new NftError('refused', 'no')), true],
      [new NftError('not-started', 'EMFILE'), false],
      [new TypeError('undefined is not a function'), false],
    ] as const) {
      const { health, observer, pass, close } = follow();
      observer.failed(error);
      pass(61);
      assert.deepEqual([health.isHealthy, health.report().alive], [false, alive], error.message);
      close();
    }
  });

  it('a look that finds rules of others where all Services pass counts, one that finds a chain of others does not', () => {
    const drift = (kind: Drift['kind'], action: Drift['action']): Drift => ({ kind, action, message: '', key: '' });
    for (const [found, isHealthy] of [
      [[drift('dispatch', 'added')], false],
      [[drift('hook', 'deleted'), drift('foreign-chain', 'added')], false],
      [[drift('foreign-chain', 'added'), drift('table', 'added')], true],
      [[], true],
    ] as const) {
      const { health, observer, pass, close } = follow();
      for (let i = 0; i < 14; i++) {
        observer.compared(found, 5_000);
        pass(5);
      }
      assert.equal(health.isHealthy, isHealthy, JSON.stringify(found));
      close();
    }
  });

  it('Services whose policy finds no endpoint here are counted when they are in force, and no more when they are gone', async () => {
    const { apply, models, metrics, observer, close } = follow();
    const [model] = models;
    assert.ok(model !== undefined);
    const count = async () =>
      /no_local_endpoints_total\{ip_family="IPv4",traffic_policy="internal"\} (\d+)/.exec(await metrics.render())?.[1];
    apply({ set: service({ internalLocal: true }) });
    apply({ set: slice([ready('10.32.0.1')]) });
    model.nextTransaction();
    assert.equal(await count(), '0');
    observer.succeeded({ kind: 'partial', operations: 1, services: model.takeProgrammed() });
    assert.equal(await count(), '1');
    apply({ remove: 'Service', key: 'default/web' });
    model.nextTransaction();
    observer.succeeded({ kind: 'partial', operations: 1, services: model.takeProgrammed() });
    assert.equal(await count(), '0');
    close();
  });
});
