import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_SETTINGS } from '../../../src/source/api/settings.ts';
import type { Cluster } from './conformance.ts';
import { complaints, NODE_NAME, type Running, run, until } from './harness.ts';
import { node, service, slice } from './objects.ts';

/** A cluster whose server can be taken away, and whose etcd can be set back. */
export interface RecoverableCluster extends Cluster {
  /** Backs etcd up. What it gives sets etcd back to that, and may only be called during an outage. */
  backup(): Promise<() => Promise<void>>;
  /** Stops API server and etcd, and starts them again when `meanwhile` is done; resolves when they are ready. */
  outage(meanwhile: () => Promise<void>): Promise<void>;
  /** The same, but only the source does not reach it. */
  partition(meanwhile: () => Promise<void>): Promise<void>;
}

/** How the source comes back to an API server, the double or a real one, with the waits it has in earnest. Prints how long that took. */
export function recovery(
  name: string,
  open: (t: TestContext) => Promise<RecoverableCluster>,
  { outageMs, writes }: { outageMs: number; writes: number },
): void {
  const begin = async (t: TestContext): Promise<Running & { cluster: RecoverableCluster }> => {
    const cluster = await open(t);
    await cluster.put(node(NODE_NAME, '192.0.2.1'));
    const running = run(cluster.connect(), DEFAULT_SETTINGS);
    t.after(() => running.stop());
    await until(() => running.view.isSynced);
    return { ...running, cluster };
  };
  const portOf = ({ view }: Running, which: string) => {
    const object = view.objects.get(`Service default/${which}`);
    return object?.kind === 'Service' ? object.ports[0]?.port : undefined;
  };
  const timed = async (t: TestContext, what: string, condition: () => boolean) => {
    const began = performance.now();
    await until(condition);
    t.diagnostic(`${name}: ${what} ${Math.round(performance.now() - began)} ms after the server was ready`);
  };
  /** Only what was wrong and is right again may be said to work again. */
  const notYet = ({ log }: Running) => assert.ok(!log.some((line) => line.includes('works again')), log.join(''));

  /** A short outage need not have been said; one that was is said to be over. */
  const whenSaid = ({ log }: Running) =>
    until(() => complaints(log).length === 0 || log.some((line) => line.includes('works again')));

  /** Writes after a backup: what a restore takes back. */
  const afterBackup = async (t: TestContext) => {
    const running = await begin(t);
    const { cluster } = running;
    await cluster.put(service('changed', 81));
    await cluster.put(service('gone', 81));
    await until(() => portOf(running, 'changed') === 81 && portOf(running, 'gone') === 81);
    const restore = await cluster.backup();
    await cluster.put(service('changed', 82));
    await cluster.put(service('lost', 81));
    await cluster.remove('Service', 'default/gone');
    for (let i = 0; i < writes; i++) await cluster.put(slice('busy', [`10.32.1.${i % 250}`]));
    await until(() => portOf(running, 'changed') === 82 && portOf(running, 'lost') === 81);
    await until(() => portOf(running, 'gone') === undefined);
    const isRestored = () =>
      portOf(running, 'changed') === 81 && portOf(running, 'gone') === 81 && portOf(running, 'lost') === undefined;
    return { running, cluster, restore, isRestored };
  };

  describe(`recovery with ${name}`, () => {
    test('after an outage the next change is seen', async (t) => {
      const running = await begin(t);
      const { cluster } = running;
      await cluster.put(service('back', 81));
      await until(() => portOf(running, 'back') === 81);
      await cluster.outage(async () => {
        await delay(outageMs);
        notYet(running);
      });
      const seen = timed(
        t,
        `after ${outageMs / 1000} s without it, the next change was seen`,
        () => portOf(running, 'back') === 82,
      );
      await cluster.put(service('back', 82));
      await seen;
      await whenSaid(running);
    });

    test('after a restore of etcd its state is ours', async (t) => {
      const { running, cluster, restore, isRestored } = await afterBackup(t);
      await cluster.outage(async () => {
        await restore();
        await delay(outageMs / 4);
        notYet(running);
      });
      await timed(t, 'the restored state was taken in', isRestored);
      await cluster.put(service('changed', 83));
      await until(() => portOf(running, 'changed') === 83);
      await until(() => running.log.some((line) => line.includes('went back to an older state of services')));
      await whenSaid(running);
    });

    test('after a restore of etcd, whose versions are past ours before we are back', async (t) => {
      const { running, cluster, restore, isRestored } = await afterBackup(t);
      await cluster.partition(async () => {
        // No API server comes back sooner from a restore; by then each kind has met nobody once.
        await delay(3000);
        await cluster.outage(restore);
        for (let i = 0; i < 2 * writes + 10; i++) await cluster.put(slice('busy', [`10.32.2.${i % 250}`]));
        notYet(running);
      });
      await timed(t, 'the restored state was taken in', isRestored);
      await cluster.put(service('changed', 83));
      await until(() => portOf(running, 'changed') === 83);
    });
  });
}
