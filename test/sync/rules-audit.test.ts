import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { RulesLister } from '../../src/nft/rules-lister.ts';
import { AFFINITY_ENDPOINTS, affinityKindOf } from '../../src/ruleset/program/affinity.ts';
import { Commits } from '../../src/sync/commits.ts';
import { Flights } from '../../src/sync/flights.ts';
import { RulesAuditor } from '../../src/sync/rules-audit.ts';
import { modelFor } from '../builders/models.ts';
import { ready, service, slice } from '../builders/objects.ts';
import { recordingNft } from '../builders/recording-nft.ts';
import { TestKernel } from '../netns/kernel.ts';
import { FakeClock } from './fake-clock.ts';
import { startRichProxy, TABLE } from './rich-proxy.ts';

/** An audit whose first listing takes so many milliseconds, and the next none; `begun`: our own commits, and when. */
function startAudit(listingMs: number) {
  const clock = new FakeClock();
  const commits = new Commits(clock);
  const { model } = modelFor();
  const begun: string[] = [];
  let ms = listingMs;
  const { nft } = recordingNft({
    look: async (onLine) => {
      const takes = ms;
      ms = 0;
      await clock.sleep(takes);
      for (const line of ['table ip kube-proxy-nft { # handle 1', '}']) onLine(line);
      return { size: 0, digest: '', isKnown: false };
    },
  });
  const { program, ruleset } = model;
  const auditor = new RulesAuditor({ nft, program, lister: new RulesLister(), commits, clock });
  const commit = (name: string, takes = 0) =>
    commits.during(async () => {
      begun.push(`${name} at ${clock.now()}`);
      await clock.sleep(takes);
    });
  const audit = auditor.audit('kube-proxy-nft', ruleset, new Flights(commits).record(), 0).then(() => clock.now());
  return { clock, begun, commit, audit };
}

suite('a slow listing of rules', () => {
  test('holds our own commits back after half a second, and only until it ends', async () => {
    const { clock, begun, commit, audit } = startAudit(700);
    await clock.pass(490);
    void commit('before');
    await clock.pass(20);
    void commit('held');
    await clock.pass(1000);
    assert.deepEqual(begun, ['before at 490', 'held at 700']);
    assert.equal(await audit, 700);
  });

  test('holds nothing back if it ends before the commit in flight does', async () => {
    const { clock, begun, commit, audit } = startAudit(700);
    await clock.pass(490);
    void commit('long', 400);
    await clock.pass(300);
    void commit('next');
    await clock.pass(1000);
    assert.deepEqual(begun, ['long at 490', 'next at 890']);
    assert.equal(await audit, 700);
  });

  test('holds nothing back later on if it took less than half a second', async () => {
    const { clock, begun, commit, audit } = startAudit(300);
    await clock.pass(490);
    void commit('long', 400);
    await clock.pass(100);
    void commit('next');
    await clock.pass(1000);
    assert.deepEqual(begun, ['long at 490', 'next at 590']);
    assert.equal(await audit, 300);
  });

  test('gives up holding commits back after two seconds', async () => {
    const { clock, begun, commit, audit } = startAudit(10_000);
    await clock.pass(600);
    void commit('held');
    await clock.pass(10_000);
    assert.deepEqual(begun, ['held at 2500']);
    assert.equal(await audit, 10_000);
  });
});

suite('the chains of a Service', () => {
  test('that nft refuses are not missed', async () => {
    const { model, drain } = modelFor([
      service({ affinitySeconds: 60 }),
      slice([ready('10.0.0.1'), ready('10.0.0.2')]),
    ]);
    drain();
    const { program, ruleset } = model;
    const clock = new FakeClock();
    const commits = new Commits(clock);
    const { nft } = recordingNft({
      look: async (onLine) => {
        for (const line of ['table ip kube-proxy-nft { # handle 1', '}']) onLine(line);
        return { size: 0, digest: '', isKnown: false };
      },
    });
    const auditor = new RulesAuditor({ nft, program, lister: new RulesLister(), commits, clock });
    const missed = async () => {
      const { findings } = await auditor.audit('kube-proxy-nft', ruleset, new Flights(commits).record(), 0);
      const names = findings.map(({ seen }) => String(JSON.parse(seen).chain));
      return names.filter((name) => affinityKindOf(name) === AFFINITY_ENDPOINTS);
    };
    const [refused, other] = [...ruleset.elementsOf(AFFINITY_ENDPOINTS)];
    assert.ok(refused !== undefined && other !== undefined);
    assert.deepEqual((await missed()).sort(), [refused.key, other.key].sort());
    ruleset.refuse(refused);
    assert.deepEqual(await missed(), [other.key]);
  });
});

suite('rules that are right', () => {
  test('are known by their handles', async () => {
    using kernel = new TestKernel();
    using proxy = await startRichProxy(kernel, { watch: false });
    const { program, ruleset } = proxy.model;
    const clock = new FakeClock();
    const commits = new Commits(clock);
    const auditor = new RulesAuditor({ nft: kernel.nft('ip'), program, lister: new RulesLister(), commits, clock });
    const { findings, handles } = await auditor.audit(TABLE, ruleset, new Flights(commits).record(), 0);
    assert.deepEqual(findings, []);
    const { stdout } = kernel.byHand('-a', 'list', 'chain', 'ip', TABLE, 'dispatch');
    const expected = [...stdout.matchAll(/^\t\t.*# handle (\d+)$/gm)].map(([, handle]) => Number(handle));
    assert.ok(expected.length > 1);
    assert.deepEqual(handles().get('dispatch'), expected);
    const endpoints = [...handles().keys()].filter((name) => affinityKindOf(name) === AFFINITY_ENDPOINTS);
    assert.equal(endpoints.length, ruleset.countOf(AFFINITY_ENDPOINTS));

    const unsent = slice([ready('10.32.9.9')], {
      ...{ name: 'sticky-2', serviceName: 'sticky', ports: [{ name: 'tcp', protocol: 'tcp', port: 8080 }] },
    });
    const found = async () => {
      // Later than the last listing.
      await clock.pass(1);
      const audit = await auditor.audit(TABLE, ruleset, new Flights(commits).record(), clock.now());
      return audit.findings.map(({ drift: { kind, action } }) => `${kind} ${action}`);
    };
    proxy.byHand('add', 'chain', 'ip', TABLE, 'theirs');
    assert.deepEqual(await found(), [], 'nothing leads to that chain');
    proxy.byHand('add', 'chain', 'ip', TABLE, 'hooked', '{ type filter hook input priority 7; }');
    assert.deepEqual(await found(), ['foreign-chain added']);
    proxy.byHand('delete', 'chain', 'ip', TABLE, 'hooked');
    assert.deepEqual(await found(), []);
    for (const key of proxy.cluster.set(unsent)) proxy.model.markDirty(key);
    proxy.model.nextTransaction();
    assert.ok((await found()).length > 1, 'the text that was right is not what the model wants now');
  });
});
