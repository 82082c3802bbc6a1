import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { originsOf } from '../../../src/ruleset/model/element-origin.ts';
import type { Frontend } from '../../../src/service/frontend.ts';
import { frontend } from '../../builders/frontends.ts';
import { programOf } from '../../builders/models.ts';

const [setOrMap] = programOf('ip').setsAndMaps;
assert.ok(setOrMap !== undefined);
const element = { setOrMap, key: '10.96.0.10', value: '', comment: '' };

suite('the lines that made elements', () => {
  test('are those that put them into a plan, each once', () => {
    const lines = originsOf([element], [frontend([1]), frontend([2])], function* (_, list) {
      yield;
      list.push(element, { ...element, key: 'another' });
    });
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /element-origin\.test\.ts:\d+/);
  });

  test('are looked for in a thousand endpoints at most, each frontend once', () => {
    const planned: Frontend[] = [];
    const large = frontend(Array.from({ length: 600 }, (_, i) => i));
    const lines = originsOf([element, { ...element, key: 'another' }], [large, large], function* (one) {
      yield;
      planned.push(one);
    });
    assert.deepEqual(lines, []);
    assert.equal(planned.length, 1, 'the second one would be too many');
  });
});
