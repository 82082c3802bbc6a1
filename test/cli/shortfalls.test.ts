import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { requestDaemon } from '../../src/control/control-socket.ts';
import { rawService, rawSlice } from '../builders/raw-objects.ts';
import { Place } from './program.ts';

suite('what is not served as specified', () => {
  test('is told by the daemon’s socket, its log and the heading of a dump', async (context) => {
    const place = new Place(context);
    const addresses = Array.from({ length: 50 }, (_, i) => `10.0.0.${i}`);
    const items = [
      rawService('big', '10.96.0.10'),
      rawSlice('big', addresses),
      rawService('web', '10.96.0.11'),
      rawSlice('web', ['10.0.1.1']),
    ];
    writeFileSync(place.file('objects.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    const flags = ['--manifests', place.file('objects.json'), '--max-elements-per-service=30'];
    const daemon = await place.startDaemon(flags);
    const answer = JSON.parse(`${await requestDaemon(place.file('run'), '/shortfalls')}`);
    assert.equal(answer.counts['service-budget'], 1);
    assert.equal(answer.counts['total-budget'], 0);
    assert.deepEqual(
      answer.shortfalls.map(({ kind, key, reason }: Record<string, string>) => ({ kind, key, reason })),
      [{ kind: 'Service', key: 'default/big', reason: 'service-budget' }],
    );
    const dump = await place.run(['--dump']);
    assert.match(dump.stdout, /^# not served as specified: service-budget 1$/m);
    assert.equal(dump.stdout.match(/10\.96\.0\.10 \. 80 \. \d+ .*: 10\.0\.0\.\d+/g)?.length, 14, 'hairpins, too');
    const { stderr } = await daemon.stop();
    assert.match(stderr, /W.* Service default\/big: .*more than the 30 elements .* \(service-budget\)/);
  });
});
