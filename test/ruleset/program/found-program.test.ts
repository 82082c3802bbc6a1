import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { printRule } from '../../../src/ruleset/elements/statement.ts';
import { foundProgram } from '../../../src/ruleset/program/found-program.ts';
import { buildProgram, type ProgramOptions } from '../../../src/ruleset/program/program.ts';

suite('the program of a table', () => {
  for (const family of ['ip', 'ip6'] as const) {
    const every: readonly ProgramOptions[] = [
      {},
      { localPods: { by: 'pod-cidrs' } },
      { localPods: { by: 'pod-cidrs', comeLater: true }, masqueradeAll: true },
      { localPods: { by: 'interface', pattern: 'veth*' } },
      { localPods: { by: 'interface', pattern: 'cni0' }, masqueradeAll: true, localhostNodePorts: true },
      { localhostNodePorts: true },
      { localPods: { by: 'pod-cidrs' }, connectionCounters: true },
      { localPods: { by: 'pod-cidrs' }, connectionCounters: true, resetUnknown: true },
    ];
    test(`is known by its marker, whatever its options are (${family})`, () => {
      for (const options of every) {
        const { marker, chains } = buildProgram(family, options);
        const listed = new Map(
          chains.map(({ name, rules }) => [name, { hook: '', rules: rules.map(printRule) }] as const),
        );
        const found = foundProgram(family, marker, listed);
        assert.equal(found?.program.marker, marker, JSON.stringify(options));
        // Where every connection is masqueraded, nothing depends on when the networks come.
        const { by, ...rest } = options.localPods ?? { by: undefined };
        assert.equal(found.localPods?.by, by);
        if (by === 'interface') assert.deepEqual(found.localPods, { by, ...rest });
      }
    });
  }

  test('of another version is not known', () => {
    assert.equal(foundProgram('ip', 'program-0123456789ab', new Map()), undefined);
    assert.equal(foundProgram('ip', '', new Map()), undefined);
  });
});
