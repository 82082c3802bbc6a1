import assert from 'node:assert/strict';
import process from 'node:process';
import { suite, test } from 'node:test';
import { parseArguments } from '../../src/cli/parse-arguments.ts';
import { assemble } from '../../src/daemon/assemble.ts';
import { daemonFeed } from '../../src/daemon/daemon-feed.ts';
import type { ApiListeners } from '../../src/daemon/open-source.ts';
import { FAMILIES } from '../../src/ip.ts';
import { SessionKeeper } from '../../src/nft/session-keeper.ts';
import { createLogSink } from '../../src/source/event-sink.ts';
import { NODE_NAME, ready, service, slice } from '../builders/objects.ts';
import { recordingLog } from '../builders/recording-log.ts';

/** A program that is not there: whoever runs it fails. */
const NO_NFT = '/nonexistent/nft';

function put() {
  const { log } = recordingLog();
  const args = parseArguments(['--hostname-override', NODE_NAME, '--run-dir', '/nonexistent/run']);
  const opened: ApiListeners[] = [];
  const daemon = assemble({
    args,
    environment: {},
    families: FAMILIES,
    sessions: new SessionKeeper({ nft: NO_NFT, runDir: '/nonexistent/run', log }),
    openSource: (listeners) => {
      opened.push(listeners);
      const source = { description: 'nowhere', prepare: async () => undefined, run: async () => undefined };
      return { source, events: createLogSink(log) };
    },
    onStandIn: () => undefined,
    log,
  });
  return { daemon, opened };
}

suite('a daemon that is put together', () => {
  test('runs nothing, listens nowhere and waits for nothing', () => {
    const before = process.getActiveResourcesInfo().toSorted();
    const { daemon, opened } = put();
    assert.deepEqual(process.getActiveResourcesInfo().toSorted(), before);
    assert.equal(opened.length, 1, 'one source');
    assert.equal(daemon.members.length, 2, 'IPv4 and IPv6');
  });

  test('has in its answers what its feed takes in', () => {
    const { daemon } = put();
    let whole = 0;
    const feed = daemonFeed(daemon, { onWhole: () => whole++, onSynced: () => whole++ });
    feed.changed(service());
    feed.changed(slice([ready('10.32.0.15')]));
    feed.synced();
    assert.equal(whole, 2);
    const { cluster, models, origin } = daemon.known();
    assert.deepEqual([...cluster.serviceKeys()], ['default/web']);
    assert.equal(models.length, 2);
    assert.match(origin, /^the running daemon \(pid \d+\), from nowhere$/);
    for (const { syncer } of daemon.members) assert.equal(syncer.table, undefined, 'nothing is in force');
  });
});
