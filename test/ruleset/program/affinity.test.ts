import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { transactionCommands } from '../../../src/nft/json/transaction-json.ts';
import { printRule } from '../../../src/ruleset/elements/statement.ts';
import type { Ruleset } from '../../../src/ruleset/model/ruleset.ts';
import { foundChain } from '../../../src/ruleset/program/objects.ts';
import type { Frontend } from '../../../src/service/frontend.ts';
import { endpoint, frontend } from '../../builders/frontends.ts';
import { rulesetFor, setServices, WEB } from '../../builders/rulesets.ts';

const sticky = (endpoints: readonly number[], changes: Partial<Frontend> = {}) =>
  frontend(endpoints, { affinitySeconds: 10_800, ...changes });

function ruleset(...frontends: readonly Frontend[]): Ruleset {
  const made = rulesetFor(frontends);
  made.takeTransaction();
  return made;
}

/** The commands of the next transaction, shortened: "flush chain NAME", "add rule NAME RULE". */
function changes(made: Ruleset, ...frontends: readonly Frontend[]): readonly string[] {
  setServices(made, { [WEB]: frontends });
  return next(made);
}

function next(made: Ruleset): readonly string[] {
  return transactionCommands('ip', 't', made.takeTransaction(), 'type').map((command) => {
    const [[verb = '', object] = []] = Object.entries<Record<string, { name?: string; chain?: string }>>(
      JSON.parse(command),
    );
    const [[kind, { name = '', chain = '' } = {}] = []] = Object.entries(object ?? {});
    return `${verb} ${kind} ${short(name || chain)}`;
  });
}

function chains(made: Ruleset): Record<string, readonly string[]> {
  return Object.fromEntries(
    [...made.dynamicChains()].map(({ name, rules }) => [short(name), rules.map((rule) => short(printRule(rule)))]),
  );
}

/** Without hashes. */
function short(text: string): string {
  return text.replace(/(service|local|endpoint|affinity)-[0-9a-f]{10}-default\/web\//g, '$1-');
}

describe('session affinity', () => {
  it('draws for a new client by weight', () => {
    const endpoints = [1, 2, 3].map((lastByte) => ({
      ...endpoint(lastByte),
      ...(lastByte !== 2 && { weight: 3 * lastByte }),
    }));
    assert.deepEqual(chains(ruleset(sticky([], { endpoints })))['service-http/tcp']?.slice(3), [
      'numgen random mod 13 < 3 goto endpoint-http/tcp__10.0.0.1/8080',
      'numgen random mod 10 0 goto endpoint-http/tcp__10.0.0.2/8080',
      'goto endpoint-http/tcp__10.0.0.3/8080',
    ]);
  });

  it('sends a known client to its endpoint again, and any other to a random one that then knows it', () => {
    assert.deepEqual(chains(ruleset(sticky([1, 2, 3]))), {
      'service-http/tcp': [
        'ip saddr @affinity-http/tcp__10.0.0.1/8080 goto endpoint-http/tcp__10.0.0.1/8080',
        'ip saddr @affinity-http/tcp__10.0.0.2/8080 goto endpoint-http/tcp__10.0.0.2/8080',
        'ip saddr @affinity-http/tcp__10.0.0.3/8080 goto endpoint-http/tcp__10.0.0.3/8080',
        'numgen random mod 3 0 goto endpoint-http/tcp__10.0.0.1/8080',
        'numgen random mod 2 0 goto endpoint-http/tcp__10.0.0.2/8080',
        'goto endpoint-http/tcp__10.0.0.3/8080',
      ],
      ...Object.fromEntries(
        [1, 2, 3].map((n) => [
          `endpoint-http/tcp__10.0.0.${n}/8080`,
          [
            `update @affinity-http/tcp__10.0.0.${n}/8080 { ip saddr timeout 10800s }`,
            `meta l4proto tcp dnat ip to 10.0.0.${n}:8080`,
          ],
        ]),
      ),
    });
  });

  it('is shared by all frontends of a ServicePort, and by both targets of policy Local', () => {
    const external = sticky([1, 2], {
      kind: 'external-ip',
      address: '203.0.113.1',
      policy: 'local',
      localEndpoints: [endpoint(2, true)],
    });
    const nodePort = { ...external, kind: 'node-port', address: '', port: 30080 } as const;
    const made = ruleset(sticky([1, 2]), external, nodePort);
    assert.deepEqual(Object.keys(chains(made)).sort(), [
      'endpoint-http/tcp__10.0.0.1/8080',
      'endpoint-http/tcp__10.0.0.2/8080',
      'local-http/tcp',
      'service-http/tcp',
    ]);
    assert.match(made.lookUp('services-local', '203.0.113.1 . tcp . 80')?.value ?? '', /^goto local-/);
    assert.match(made.lookUp('node-ports-cluster', 'tcp . 30080')?.value ?? '', /^goto service-/);
    assert.match(made.lookUp('services', '10.96.0.10 . tcp . 80')?.value ?? '', /^goto service-/);
  });

  // In these two order is the point: nothing is named before it is there, nor deleted while it is named.
  it('a new endpoint takes one chain, one set and new rules for the choice', () => {
    assert.deepEqual(changes(ruleset(sticky([1])), sticky([1, 2])), [
      'flush chain service-http/tcp',
      'add set affinity-http/tcp__10.0.0.2/8080',
      'add chain endpoint-http/tcp__10.0.0.2/8080',
      ...Array(2).fill('add rule endpoint-http/tcp__10.0.0.2/8080'),
      'add chain service-http/tcp',
      ...Array(4).fill('add rule service-http/tcp'),
    ]);
  });

  it('a removed endpoint is chosen no more at once; what packets may be on their way to goes later', () => {
    const made = ruleset(sticky([1, 2]));
    assert.deepEqual(changes(made, sticky([1])), [
      'flush chain service-http/tcp',
      'add chain service-http/tcp',
      ...Array(2).fill('add rule service-http/tcp'),
    ]);
    assert.deepEqual(next(made), [
      'delete chain endpoint-http/tcp__10.0.0.2/8080',
      'delete set affinity-http/tcp__10.0.0.2/8080',
    ]);
  });

  it('another timeout keeps the clients: only rules change', () => {
    const commands = changes(ruleset(sticky([1])), sticky([1], { affinitySeconds: 60 }));
    assert.deepEqual(
      commands.filter((command) => command.includes('set')),
      [],
    );
    assert.equal(commands[0], 'flush chain endpoint-http/tcp__10.0.0.1/8080');
  });

  it('is switched on and off by a change of verdicts', () => {
    const made = ruleset(frontend([1, 2]));
    const on = changes(made, sticky([1, 2]));
    assert.ok(on.includes('add chain service-http/tcp'));
    assert.equal(on.at(-1), 'add element services');
    changes(made, frontend([1, 2]));
    assert.equal(made.lookUp('services', '10.96.0.10 . tcp . 80')?.value, 'goto pick-tcp-2');
  });

  it('names stay within what nft takes, and tell endpoints apart when cut', () => {
    const servicePort = `${'n'.repeat(63)}/${'s'.repeat(63)}:${'p'.repeat(63)}`;
    const far = (n: number) => ({ address: `2001:db8:ffff:ffff:ffff:ffff:ffff:${n}`, port: 60_000, maybeLocal: false });
    const made = ruleset(sticky([], { servicePort, endpoints: [far(1), far(2)] }));
    const names = [...made.dynamicChains()].map(({ name }) => name);
    assert.equal(new Set(names).size, 3);
    for (const name of names) assert.match(name, /^[a-z][a-z0-9/_.-]{1,230}$/);
  });

  it('knows a chain it finds by its signature, and not one with a rule missing or replaced', () => {
    const [chain] = [...ruleset(sticky([1, 2])).dynamicChains()];
    assert.ok(chain?.signature !== undefined);
    const printed = chain.rules.map(printRule);
    const last = `${printed.pop()} comment "${chain.signature}"`;
    assert.equal(foundChain(chain.name, [...printed, last])?.value, chain.signature);
    assert.equal(foundChain(chain.name, [...printed.slice(1), last])?.value, '');
    assert.equal(foundChain(chain.name, ['drop', ...printed.slice(1), last])?.value, '');
    assert.equal(foundChain('dispatch', []), undefined);
  });

  it('declares sets as this nft understands', () => {
    const transaction = rulesetFor([sticky([1])]).takeTransaction();
    const setIn = (syntax: 'type' | 'typeof') =>
      transactionCommands('ip', 't', transaction, syntax).find((command) => command.includes('"set":{"family"'));
    assert.match(setIn('type') ?? '', /"type":"ipv4_addr","flags":\["timeout"\],"size":65535/);
    assert.match(setIn('typeof') ?? '', /"typeof":.*"saddr".*"dynamic"/);
  });
});
