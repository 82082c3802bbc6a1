import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { FAMILIES } from '../../../src/ip.ts';
import { dumpCommands, dumpCommandsSteps } from '../../../src/nft/json/dump-json.ts';
import { elementJson } from '../../../src/nft/json/element-json.ts';
import { document } from '../../../src/nft/json/transaction-json.ts';
import { dumpText, dumpTextSteps } from '../../../src/ruleset/model/dump-text.ts';
import { Ruleset } from '../../../src/ruleset/model/ruleset.ts';
import type { Steps } from '../../../src/service/steps.ts';
import { endpoint, frontend } from '../../builders/frontends.ts';
import { programOf } from '../../builders/models.ts';
import { rulesetFor, setServices, WEB } from '../../builders/rulesets.ts';

/** default/web with two endpoints, one of them here, and default/db without any. */
function smallRuleset(): Ruleset {
  const web = frontend([], { endpoints: [endpoint(15, true), endpoint(7)] });
  const db = frontend([], { address: '10.96.0.9', port: 3306, servicePort: 'default/db' });
  const ruleset = rulesetFor([web, db], { localPods: { by: 'pod-cidrs' } });
  ruleset.setNetworks('pod-cidrs', ['10.244.0.0/16']);
  ruleset.takeTransaction();
  return ruleset;
}

const golden = (name: string) => readFileSync(new URL(`./${name}.golden.nft`, import.meta.url), 'utf8');

suite('the dump as text', () => {
  test('is what a person reads: headings, elements in order with their Services, then the chains', () => {
    const ruleset = smallRuleset();
    const text = dumpText(ruleset, 'kube-proxy-nft', ['kube-proxy-nft, a test', 'node node-a'], false);
    assert.equal(text, golden('dump'));
    assert.ok(text.split('\n').length < 90, 'two Services are a page');
  });

  test('of all has everything', () => {
    const ruleset = smallRuleset();
    const text = dumpText(ruleset, 'kube-proxy-nft', [], true);
    assert.equal(text.replace(ruleset.program.marker, 'MARKER'), golden('dump-all'));
  });

  test('sorts addresses and slots by value', () => {
    const twelve = Array.from({ length: 12 }, (_, i) => i + 1);
    const ruleset = rulesetFor([100, 20, 3].map((byte) => frontend(twelve, { address: `10.96.0.${byte}` })));
    const text = dumpText(ruleset, 'kube-proxy-nft', [], false);
    const keys = [...text.matchAll(/^\t+(10\.96\.0\.\d+) \. 80 \. (\d+) /gm)].map((match) => `${match[1]} ${match[2]}`);
    const expected = [3, 20, 100].flatMap((byte) => Array.from({ length: 12 }, (_, slot) => `10.96.0.${byte} ${slot}`));
    assert.deepEqual(keys, expected);
  });
});

suite('a dump in steps', () => {
  /** Endpoints of one Service, so that a dump takes several steps. */
  function largeRuleset(): Ruleset {
    const endpoints = Array.from({ length: 3000 }, (_, i) => ({
      ...endpoint(1),
      address: `10.244.${i >> 8}.${i & 255}`,
    }));
    const ruleset = rulesetFor([frontend([], { endpoints })]);
    ruleset.takeTransaction();
    return ruleset;
  }

  test('is of the table as it was when it began, whatever changes meanwhile', () => {
    const ruleset = largeRuleset();
    const before = { text: dumpText(ruleset, 't', [], false), commands: dumpCommands(ruleset, 't', false) };
    const steps = { text: dumpTextSteps(ruleset, 't', [], false), commands: dumpCommandsSteps(ruleset, 't', false) };
    let count = 0;
    for (const begun of Object.values(steps)) assert.equal(begun.next().done, false);
    setServices(ruleset, { [WEB]: [frontend([7], { servicePort: 'default/other' })] });
    ruleset.takeTransaction();
    const rest = <T>(begun: Steps<T>) => {
      for (;;) {
        const { done, value } = begun.next();
        if (done) return value;
        count++;
      }
    };
    assert.equal(rest(steps.text), before.text);
    assert.deepEqual(rest(steps.commands), before.commands);
    assert.notEqual(dumpText(ruleset, 't', [], false), before.text);
    assert.ok(count > 20, `${count} steps`);
  });
});

interface ElementCommand {
  readonly add: { readonly element?: { readonly name: string; readonly elem: readonly unknown[] } };
}

suite('the dump as JSON', () => {
  test('is libnftables JSON that holds every element, sets and maps before rules before elements', () => {
    const ruleset = smallRuleset();
    const { nftables }: { nftables: ElementCommand[] } = JSON.parse(
      document(dumpCommands(ruleset, 'kube-proxy-nft', true)),
    );
    const kinds = nftables.map(({ add }) => Object.keys(add)[0] ?? '');
    const parts = kinds.map((kind) => (kind === 'set' || kind === 'map' ? 'set or map' : kind));
    assert.deepEqual(
      parts.filter((part, i) => part !== parts[i - 1]),
      ['table', 'set or map', 'chain', 'rule', 'element'],
    );
    const read = nftables.flatMap(({ add: { element } }) =>
      (element?.elem ?? []).map((json) => `${element?.name} ${JSON.stringify(json)}`),
    );
    const wanted = ruleset.program.setsAndMaps.flatMap((setOrMap) =>
      [...ruleset.elementsOf(setOrMap)].map((element) => `${setOrMap.name} ${elementJson(element)}`),
    );
    assert.equal(wanted.length, 8);
    assert.deepEqual(read.sort(), wanted.sort());
  });

  test('leaves out sets and maps that nothing needs, unless all are requested', () => {
    const names = (all: boolean) => {
      const commands = dumpCommands(smallRuleset(), 'kube-proxy-nft', all).map((text) => JSON.parse(text));
      return commands.flatMap(({ add: { set, map } }) => set?.name ?? map?.name ?? []);
    };
    const [all, some] = [names(true), names(false)];
    assert.ok(all.includes('source-ranges') && !some.includes('source-ranges'));
    assert.ok(some.includes('services'));
    assert.deepEqual(
      some.filter((name) => !all.includes(name)),
      [],
    );
  });

  test('of both families is one document', () => {
    const rulesets = FAMILIES.map((family) => new Ruleset(programOf(family)));
    const { nftables }: { nftables: { add: { table?: { family: string } } }[] } = JSON.parse(
      document(rulesets.flatMap((ruleset) => dumpCommands(ruleset, 'kube-proxy-nft', true))),
    );
    assert.deepEqual(
      nftables.flatMap(({ add }) => add.table?.family ?? []),
      ['ip', 'ip6'],
    );
  });
});
