import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { sourcePlace } from '../../src/source-place.ts';

const ROOT = join(import.meta.dirname, '..', '..');

suite('where a line of a stack trace is in the source', () => {
  test('is as it says where the source runs by itself', () => {
    const frame = '    at Planner.plan (file:///work/src/ruleset/model/frontend-elements.ts:120:14)';
    assert.equal(sourcePlace(frame), 'src/ruleset/model/frontend-elements.ts:120');
  });

  test('is as the trace has it where that is not known', () => {
    assert.equal(sourcePlace('    at run (node:internal/main:7:1)'), 'run (node:internal/main:7:1)');
    assert.equal(sourcePlace('    at run (/x.cjs:3:1)', '5 1 src/ruleset/a.ts'), 'run (/x.cjs:3:1)');
  });

  test('is worked out in the executable, for what makes elements', () => {
    const bundle = readFileSync(join(ROOT, 'dist', 'kube-proxy-nft.cjs'), 'utf8');
    const [, lines = ''] = /"(\d+ \d+ src\/ruleset\/[^"]+)"/.exec(bundle) ?? [];
    const calls = [...bundle.split('\n').entries()].filter(([, text]) => /this\.#add\(/.test(text));
    assert.ok(calls.length >= 8, `${calls.length} calls`);
    for (const [line, text] of calls) {
      const [file = '', number] = sourcePlace(`    at #add (/kube-proxy-nft.cjs:${line + 1}:9)`, lines).split(':');
      const source = readFileSync(join(ROOT, file), 'utf8').split('\n')[Number(number) - 1] ?? '';
      const [call = ''] = /this\.#add\(\w*/.exec(text) ?? [];
      assert.ok(source.includes(call), `${text.trim()} is not ${file}:${number}: ${source.trim()}`);
    }
  });
});
