import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Place } from './program.ts';

test('a daemon has its name in lists of processes, and keeps its arguments there', async (context) => {
  const place = new Place(context);
  mkdirSync(place.file('manifests'));
  const daemon = await place.startDaemon(['--manifests', place.file('manifests'), '--oom-score-adj=0']);
  const seen = (what: string) => readFileSync(`/proc/${daemon.pid}/${what}`, 'utf8');
  const words = seen('cmdline').split('\0');
  assert.deepEqual(
    words.slice(words.indexOf('--run-dir')),
    ['--run-dir', place.file('run'), '--manifests', place.file('manifests'), '--oom-score-adj=0', ''],
    'what ps -f and systemctl status show',
  );
  assert.equal(seen('comm'), 'kube-proxy-nft\n', 'what top, pgrep and ps -e show');
  await daemon.stop();
});
