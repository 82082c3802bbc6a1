import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { udpFrontendOf } from '../../../src/ruleset/model/frontend-elements.ts';
import { Ruleset } from '../../../src/ruleset/model/ruleset.ts';
import { heartbeatElements } from '../../../src/ruleset/program/heartbeat.ts';
import { buildProgram } from '../../../src/ruleset/program/program.ts';
import { frontendKey } from '../../../src/service/frontend.ts';
import { atOnce } from '../../../src/service/steps.ts';
import { frontend } from '../../builders/frontends.ts';

const PROGRAM = buildProgram('ip', {});

suite('the UDP frontend of an element', () => {
  test('is that of a verdict of a Service, by address or node port', () => {
    const ruleset = new Ruleset(PROGRAM);
    for (const one of [
      frontend([1], { protocol: 'udp', port: 53 }),
      frontend([1], { protocol: 'tcp', port: 53 }),
      frontend([1], { kind: 'node-port', protocol: 'udp', address: '', port: 30_053 }),
    ]) {
      atOnce(ruleset.setFrontend(frontendKey(one), one));
    }
    const elements = PROGRAM.setsAndMaps.flatMap((setOrMap) => [...ruleset.elementsOf(setOrMap)]);
    assert.ok(elements.length > 3, 'slots as well');
    assert.deepEqual(
      elements.flatMap((element) => udpFrontendOf(element) ?? []),
      [
        { address: '10.96.0.10', port: 53 },
        { address: '', port: 30_053 },
      ],
    );
  });

  test('is not there for a heartbeat, though it is UDP', () => {
    const elements = heartbeatElements(PROGRAM, { front: 1024, back: 1025 });
    assert.deepEqual(
      elements.flatMap((element) => udpFrontendOf(element) ?? []),
      [],
    );
  });
});
