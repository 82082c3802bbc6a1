import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { heartbeatElements, heartbeatPortsIn } from '../../../src/ruleset/program/heartbeat.ts';
import { buildProgram } from '../../../src/ruleset/program/program.ts';

const PROGRAM = buildProgram('ip', {});

suite('the ports of a heartbeat in the kernel', () => {
  const elements = heartbeatElements(PROGRAM, { front: 1024, back: 1025 });

  test('are those it was written with', () => {
    assert.deepEqual(heartbeatPortsIn(elements), { front: 1024, back: 1025 });
  });

  test('are none without one', () => assert.equal(heartbeatPortsIn([]), undefined));

  test('are none where somebody has made something else of it', () => {
    for (const change of [
      { value: '127.107.112.110' },
      { value: '127.0.0.1 . 0' },
      { key: '127.107.112.110 . x . 0' },
    ]) {
      const changed = elements.map((one) => (one.setOrMap.name === 'endpoints-udp' ? { ...one, ...change } : one));
      assert.equal(heartbeatPortsIn(changed), undefined, JSON.stringify(change));
    }
  });
});
