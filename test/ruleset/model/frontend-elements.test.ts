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

suite('source NAT of a node port whose policy changes', () => {
  const nodePort = (policy: 'cluster' | 'local', endpoints: readonly number[]) => {
    const all = frontend(endpoints, { kind: 'node-port', address: '', port: 30_080, policy });
    return { ...all, localEndpoints: all.endpoints };
  };
  const keys = (ruleset: Ruleset, name: string) => {
    const set = PROGRAM.setsAndMaps.find((known) => known.name === name);
    return [...(set === undefined ? [] : ruleset.elementsOf(set))].map(({ key }) => key.replace(/.* /, '')).sort();
  };
  const set = (ruleset: Ruleset, one: ReturnType<typeof nodePort>) => {
    atOnce(ruleset.setFrontend(frontendKey(one), one));
    return ruleset.takeTransaction();
  };

  test('reaches new endpoints of policy Local for as long as packets may be on the way of policy Cluster', () => {
    const ruleset = new Ruleset(PROGRAM);
    set(ruleset, nodePort('cluster', [1, 2]));
    assert.deepEqual(keys(ruleset, 'snat-node-ports'), ['10.0.0.1', '10.0.0.2']);
    set(ruleset, nodePort('local', [2, 3]));
    assert.deepEqual(keys(ruleset, 'snat-node-ports'), ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    assert.deepEqual(keys(ruleset, 'snat-node-ports-from-node'), ['10.0.0.2', '10.0.0.3']);
    while (ruleset.hasWaiting) ruleset.takeTransaction();
    assert.deepEqual(keys(ruleset, 'snat-node-ports'), []);
    assert.deepEqual(keys(ruleset, 'snat-node-ports-from-node'), ['10.0.0.2', '10.0.0.3']);
    const { adds } = set(ruleset, nodePort('local', [2, 3, 4]));
    assert.deepEqual(
      adds.filter(({ setOrMap }) => setOrMap.name === 'snat-node-ports'),
      [],
      'no packet is on the way of policy Cluster any more',
    );
  });

  test('leaves with the frontend when it is withdrawn half done', () => {
    const ruleset = new Ruleset(PROGRAM);
    const [before, after] = [nodePort('cluster', [1]), nodePort('local', [1, 2, 3, 4])];
    set(ruleset, before);
    const key = frontendKey(after);
    assert.equal(atOnce(ruleset.setFrontend(key, after, 5)), false, 'there is more to do');
    ruleset.takeTransaction();
    ruleset.withdraw(key);
    while (ruleset.hasWaiting) ruleset.takeTransaction();
    assert.deepEqual(keys(ruleset, 'snat-node-ports'), []);
  });
});
