import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Nft } from '../../src/nft/nft.ts';
import { NftError } from '../../src/nft/run.ts';
import { readTable } from '../../src/nft/tables.ts';
import { AheadClock } from '../builders/ahead-clock.ts';
import { ready, service, slice } from '../builders/objects.ts';
import { startSyncer } from '../builders/syncers.ts';
import { TestKernel } from '../netns/kernel.ts';

const COUNT = 12;

/** What nft does with a document that has a certain address: it says no, or is killed, before the kernel has it or after. */
type Fault = 'refuses' | 'is killed' | 'is killed too late';

/** An nft that plays a fault for documents with any of `addresses`. */
function faulty(nft: Nft, addresses: ReadonlySet<string>, fault: Fault, killed: string[]): Nft {
  const apply = async (json: string) => {
    if (![...addresses].some((address) => json.includes(`"${address}"`))) return nft.apply(json);
    // What is deleted goes through.
    if (!json.includes('"add"')) return nft.apply(json);
    if (fault === 'refuses') throw new NftError('refused', 'Could not process rule: Invalid argument');
    killed.push(json);
    if (fault === 'is killed too late') await nft.apply(json);
    throw new NftError('unknown-outcome', 'nft took more than 20 s and was killed', true);
  };
  return { ...nft, apply };
}

/** A daemon's IPv4 half over Services 0 … 11 with one endpoint each. */
async function startProxy(kernel: TestKernel, fault: Fault, culprits: readonly number[] = []) {
  const bad = new Set(culprits.map(addressOf));
  const killed: string[] = [];
  const clock = new AheadClock();
  const objects = (n: number, endpoint: number) => {
    const name = `s${n}`;
    return [
      service({ namespace: name, name, clusterIps: [addressOf(n)] }),
      slice([ready(`10.1.${endpoint}.${n}`)], { namespace: name, name, serviceName: name }),
    ];
  };
  const all = Array.from({ length: COUNT }, (_, n) => objects(n, 0)).flat();
  const proxy = startSyncer(faulty(kernel.nft('ip'), bad, fault, killed), all, { clock });
  const { model, syncer, shortfalls, lines } = proxy;
  await syncer.whenInSync();
  /** Gives Services another endpoint. */
  const change = (services: readonly number[], endpoint: number) =>
    proxy.set(...services.flatMap((n) => objects(n, endpoint)));
  /** The endpoints that the kernel has for each Service. */
  const served = async () => {
    const reader = kernel.nft('ip');
    await proxy.assertInSync(reader);
    const { elements } = await readTable(reader, model.program, syncer.table ?? 'kube-proxy-nft');
    return Array.from({ length: COUNT }, (_, n) => {
      const own = elements.filter(({ key }) => key.split(' ')[0] === addressOf(n));
      return own.map(({ value }) => value.split(' ')[0] ?? '').filter((value) => value.startsWith('10.1.'));
    });
  };
  return {
    bad,
    killed,
    lines,
    change,
    served,
    outOfService: () => [...shortfalls.all()].map(({ key, reason }) => `${reason} ${key}`).sort(),
    skip: (ms: number) => clock.skip(ms),
    [Symbol.dispose]: proxy[Symbol.dispose],
  };
}

function addressOf(service: number): string {
  return `10.96.0.${service}`;
}

describe('what nft does not take', () => {
  const all = Array.from({ length: COUNT }, (_, n) => n);
  for (const fault of ['refuses', 'is killed', 'is killed too late'] as const) {
    it(`is found and left out, all else is served, and it comes back when the fault is gone: nft ${fault}`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.subarray(all, { minLength: 1, maxLength: 4 }), async (culprits) => {
          using kernel = new TestKernel();
          using proxy = await startProxy(kernel, fault);
          for (const n of culprits) proxy.bad.add(addressOf(n));
          await proxy.change(all, 1);
          await proxy.change([...all].filter((n) => !culprits.includes(n)).slice(0, 2), 2);
          const served = await proxy.served();
          const bystanders = all.filter((n) => !culprits.includes(n));
          for (const [i, n] of bystanders.entries()) assert.deepEqual(served[n], [`10.1.${i < 2 ? 2 : 1}.${n}`]);
          // What went through after all is served.
          if (fault !== 'is killed too late') {
            for (const n of culprits) assert.deepEqual(served[n], [], `Service ${n}\n${proxy.lines.join('\n')}`);
            assert.deepEqual(proxy.outOfService(), culprits.map((n) => `quarantined s${n}/s${n}`).sort());
          }
          if (fault === 'refuses') {
            const named =
              /nft refused part of a transaction: .* madeBy="src\/ruleset\/model\/frontend-elements\.ts:\d+"$/m;
            assert.match(proxy.lines.join('\n'), named);
          }
          assert.equal(new Set(proxy.killed).size, proxy.killed.length, 'no document is sent again that killed nft');

          proxy.bad.clear();
          const [first = 0] = culprits;
          await proxy.change([first], 3);
          assert.deepEqual((await proxy.served())[first], [`10.1.3.${first}`], 'it has changed');
          proxy.skip(31_000);
          const [bystander = 0] = bystanders;
          await proxy.change([bystander], 4);
          const again = await proxy.served();
          for (const n of culprits.slice(1)) assert.deepEqual(again[n], [`10.1.1.${n}`], 'its time has come');
          assert.deepEqual(proxy.outOfService(), []);
        }),
        { numRuns: 4, endOnFailure: true },
      );
    });
  }

  it('does not keep all else from being served by a start, the first one or one over a table in force', async () => {
    await fc.assert(
      fc.asyncProperty(fc.subarray(all, { minLength: 1, maxLength: 3 }), fc.boolean(), async (culprits, isFirst) => {
        using kernel = new TestKernel();
        if (!isFirst) {
          using before = await startProxy(kernel, 'is killed');
          for (const n of all) before.bad.add(addressOf(n));
        }
        using proxy = await startProxy(kernel, 'is killed', culprits);
        // Over a table in force nothing is to be written for them.
        if (!isFirst) await proxy.change(all, 1);
        const served = await proxy.served();
        for (const n of all.filter((each) => !culprits.includes(each))) {
          assert.deepEqual(served[n], [`10.1.${isFirst ? 0 : 1}.${n}`], proxy.lines.join('\n'));
        }
        for (const n of culprits) assert.deepEqual(served[n], [], `Service ${n}`);
        proxy.bad.clear();
        await proxy.change(culprits, 2);
        const again = await proxy.served();
        for (const n of culprits) assert.deepEqual(again[n], [`10.1.2.${n}`]);
      }),
      { numRuns: 4, endOnFailure: true },
    );
  });
});
