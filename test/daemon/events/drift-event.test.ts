import assert from 'node:assert/strict';
import { test } from 'node:test';
import { driftEvent } from '../../../src/daemon/events/drift-event.ts';

test('rules that somebody changed are told of on the Node', () => {
  assert.deepEqual(driftEvent({ message: 'chain dispatch: a rule was added: "drop"' }, 'ip'), {
    type: 'Warning',
    reason: 'KernelRulesChanged',
    message: 'somebody changed our rules (ip): chain dispatch: a rule was added: "drop". They are repaired in place',
    about: 'node',
  });
});
