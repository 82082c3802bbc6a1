import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FAMILIES, type Family } from '../../src/ip.ts';
import { concat, type Element, parts } from '../../src/ruleset/elements/element.ts';
import { elementText } from '../../src/ruleset/elements/element-text.ts';
import type { SetOrMap } from '../../src/ruleset/elements/set-or-map.ts';
import { eventually } from '../builders/eventually.ts';
import { clusterWith } from '../builders/models.ts';
import { ready, service, slice } from '../builders/objects.ts';
import { TestKernel } from '../netns/kernel.ts';
import { richCluster, startRichProxy, TABLE } from './rich-proxy.ts';

type Proxy = Awaited<ReturnType<typeof startRichProxy>>;

/** One element of each set and map that has any. */
function oneOfEach({ model }: Proxy): readonly Element[] {
  return model.program.setsAndMaps.flatMap((setOrMap) => [...model.ruleset.elementsOf(setOrMap)].slice(0, 1));
}

function command(verb: string, family: Family, { setOrMap }: Pick<Element, 'setOrMap'>, text: string) {
  return [verb, 'element', family, TABLE, setOrMap.name, `{ ${text} }`];
}

/** An element of the same kind that the model does not have. */
function foreign(element: Element, family: Family): Element {
  const { setOrMap, key } = element;
  const texts = parts(key);
  const types = setOrMap.key.map(({ type }) => type);
  const other = (type: string, text: string) => {
    if (type === 'port') return '4444';
    if (type === 'slot') return '77';
    if (types.includes('port')) return text;
    const [address, network] = family === 'ip' ? ['172.31.9.9', '172.31.0.0/16'] : ['fd31::9', 'fd31::/48'];
    return type === 'cidr' ? network : address;
  };
  return { ...element, key: concat(...types.map((type, i) => other(type, texts[i] ?? ''))), comment: 'x/y:z' };
}

/** A value that the element does not have. */
function otherValue({ setOrMap, value }: Element): string {
  if (setOrMap.value === 'verdict') return value === 'drop' ? 'goto refuse' : 'drop';
  return value.replace(/\d+$/, '1');
}

function lines(proxy: Proxy) {
  return () => proxy.lines.join('\n');
}

function endpointsTcp({ model }: Proxy): SetOrMap {
  return model.program.setsAndMaps.find(({ name }) => name === 'endpoints-tcp') ?? assert.fail();
}

/** Elements that others can add, and none of ours could be. */
const UNLIKE_OURS: readonly { family: Family; name: string; key: string; named: RegExp }[] = [
  {
    family: 'ip',
    name: 'pod-cidrs',
    key: '10.77.0.5-10.77.0.9',
    named: /10\.77\.0\.5-10\.77\.0\.9: a network in pod-cidrs/,
  },
  {
    family: 'ip6',
    name: 'service-cidrs',
    key: 'fd77::5-fd77::9',
    named: /fd77::5-fd77::9: a network in service-cidrs/,
  },
  {
    family: 'ip',
    name: 'source-ranges',
    key: '10.77.0.1-10.77.0.4 . 6-17 . 80-90 . 172.16.0.5-172.16.0.9',
    named: /10\.77\.0\.1-10\.77\.0\.4:80-90\/tcp-udp: a source range/,
  },
  {
    family: 'ip6',
    name: 'source-ranges',
    key: 'fd77::/64 . tcp . 80 . fd00::5-fd00::9',
    named: /\[fd77::\/64\]:80\/tcp: a source range/,
  },
  { family: 'ip', name: 'source-ranges', key: '*', named: /\*: a source range that is not ours was added/ },
  {
    family: 'ip',
    name: 'services',
    key: '*',
    named: /\*: a verdict that is not ours was added \(map services, element \{ \* : drop/,
  },
  {
    family: 'ip6',
    name: 'endpoints-tcp',
    key: '*',
    named: /\*: an endpoint that is not ours was added/,
  },
  { family: 'ip', name: 'services', key: '10.77.0.1 . 47 . 80', named: /10\.77\.0\.1:80\/(gre|47): a verdict/ },
  { family: 'ip', name: 'services', key: '10.77.0.1 . 200 . 80', named: /10\.77\.0\.1:80\/200: a verdict/ },
];

const TCP = { name: 'tcp', protocol: 'tcp' as const, port: 8080 };

const takesComments = (setOrMap: SetOrMap) => setOrMap.interval !== true;

suite('elements that somebody changed', () => {
  for (const family of FAMILIES) {
    test(`one of each set and map deleted: named, and written again, and nothing else (${family})`, async () => {
      using kernel = new TestKernel();
      using proxy = await startRichProxy(kernel, { family });
      const before = proxy.listing();
      const lost = oneOfEach(proxy);
      assert.ok(lost.length >= 20, `${lost.length} sets and maps`);
      for (const element of lost) proxy.byHand(...command('delete', family, element, element.key));
      proxy.syncer.look('a test');
      await proxy.becomes(before);
      await proxy.wrote(lost.length);
      assert.equal(proxy.drifts.length, lost.length);
      assert.ok(proxy.drifts.every(({ action }) => action === 'deleted'));
      assert.match(
        lines(proxy)(),
        family === 'ip'
          ? /default\/\S+ 10\.96\.0\.\d+:\d+\/tcp: its verdict was deleted \(map services, element \{ 10\.96\.0\.\d+ \. tcp \. \d+ : goto /
          : /default\/\S+ \[fd00:96::\d+\]:\d+\/tcp: its verdict was deleted \(map services, element \{ fd00:96::\d+ \. tcp/,
      );
      assert.equal(proxy.syncer.table, TABLE, 'the same table');
    });

    test(`the value or comment of one in each map changed: changed back (${family})`, async () => {
      using kernel = new TestKernel();
      using proxy = await startRichProxy(kernel, { family });
      const before = proxy.listing();
      const changed = oneOfEach(proxy).filter(({ setOrMap }) => setOrMap.value !== undefined);
      for (const element of changed) {
        proxy.byHand(...command('delete', family, element, element.key));
        const text = elementText({ ...element, value: otherValue(element) });
        proxy.byHand(...command('add', family, element, text));
      }
      proxy.syncer.look('a test');
      await proxy.becomes(before);
      assert.deepEqual(
        proxy.drifts.map(({ action }) => action),
        changed.map(() => 'changed'),
      );
      await proxy.wrote(2 * changed.length);
      assert.match(lines(proxy)(), /: its verdict was changed to "drop" \(map services, element /);
      assert.match(lines(proxy)(), /: its endpoint was changed to ".* \. 1" \(map /);
    });

    test(`one added to each set and map: deleted again (${family})`, async () => {
      using kernel = new TestKernel();
      using proxy = await startRichProxy(kernel, { family });
      const before = proxy.listing();
      // Every source there is is one already.
      const all = oneOfEach(proxy).filter(({ setOrMap }) => setOrMap.name !== 'all-sources');
      const added = all.map((element) => foreign(element, family));
      for (const element of added) {
        const { setOrMap } = element;
        const text = elementText({ ...element, comment: takesComments(setOrMap) ? element.comment : '' });
        proxy.byHand(...command('add', family, element, text));
      }
      proxy.syncer.look('a test');
      await proxy.becomes(before);
      assert.ok(proxy.drifts.every(({ action }) => action === 'added'));
      await proxy.wrote(added.length);
      assert.equal(proxy.drifts.length, added.length);
      assert.match(lines(proxy)(), /:4444\/tcp: a verdict that is not ours was added \(map services, element /);
    });
  }

  for (const { family, name, key, named } of UNLIKE_OURS) {
    test(`${key} added to ${name}: named, and deleted again, and all else in it is compared (${family})`, async () => {
      using kernel = new TestKernel();
      using proxy = await startRichProxy(kernel, { family });
      const before = proxy.listing();
      const setOrMap = proxy.model.program.setsAndMaps.find((each) => each.name === name) ?? assert.fail(name);
      const value = setOrMap.value === undefined ? '' : setOrMap.value === 'verdict' ? ' : drop' : ' : ::1 . 1';
      const [lost] = proxy.model.ruleset.elementsOf(setOrMap);
      assert.ok(lost !== undefined);
      proxy.byHand(...command('delete', family, lost, lost.key));
      proxy.byHand(...command('add', family, lost, `${key}${value}`));
      proxy.syncer.look('a test');
      await proxy.becomes(before);
      await proxy.wrote(2);
      assert.deepEqual(proxy.drifts.map(({ action }) => action).sort(), ['added', 'deleted']);
      assert.match(lines(proxy)(), named);
      assert.doesNotMatch(lines(proxy)(), /cannot be compared/);
    });

    test(`${key} added to ${name} while no daemon runs: deleted at the next start (${family})`, async () => {
      using kernel = new TestKernel();
      using first = await startRichProxy(kernel, { family });
      first.syncer.stop();
      const before = first.listing();
      const setOrMap = first.model.program.setsAndMaps.find((each) => each.name === name) ?? assert.fail(name);
      const value = setOrMap.value === undefined ? '' : setOrMap.value === 'verdict' ? ' : drop' : ' : ::1 . 1';
      first.byHand(...command('add', family, { setOrMap }, `${key}${value}`));
      using again = await startRichProxy(kernel, { family });
      assert.equal(again.syncer.table, TABLE, 'the same table');
      assert.equal(again.listing(), before);
    });
  }

  test('are found without any reason to look', async () => {
    using kernel = new TestKernel();
    using proxy = await startRichProxy(kernel);
    const before = proxy.listing();
    proxy.byHand('flush', 'map', 'ip', TABLE, 'services');
    await proxy.becomes(before);
    await proxy.wrote(proxy.drifts.length);
  });

  test('would be found within the time that is told', async () => {
    using kernel = new TestKernel();
    using proxy = await startRichProxy(kernel);
    proxy.syncer.look('a test');
    await eventually(() => proxy.rounds.length > 0, lines(proxy));
    const [round = 0] = proxy.rounds;
    assert.ok(round >= 10_000, `${round} ms: the hurried one counts for nothing`);
    assert.equal(proxy.written.audits, 2);
  });

  test('our own changes are taken for nobody else’s, however many come while we look', async () => {
    using kernel = new TestKernel();
    using proxy = await startRichProxy(kernel);
    for (let i = 0; i < 60; i++) {
      const endpoints = Array.from({ length: 1 + ((i * 7) % 20) }, (_, n) => ready(`10.32.1.${n + i}`));
      const name = ['web', 'local', 'sticky'][i % 3] ?? '';
      const ports = [{ name: 'tcp', protocol: 'tcp' as const, port: 8080 }];
      proxy.syncer.changed(proxy.cluster.set(slice(endpoints, { name: `${name}-2`, serviceName: name, ports })));
      proxy.syncer.look('a test');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await proxy.syncer.whenInSync();
    const { audits } = proxy.written;
    await eventually(() => {
      proxy.syncer.look('a test');
      return proxy.written.audits > audits;
    }, lines(proxy));
    assert.deepEqual(proxy.drifts, []);
    assert.deepEqual(proxy.complaints(), []);
  });

  test('a change that comes while much is repaired does not wait for all of it', async () => {
    using kernel = new TestKernel();
    using proxy = await startRichProxy(kernel);
    const many = Array.from({ length: 1500 }, (_, i) => `10.99.${i >> 8}.${i & 255}`);
    kernel.load(`add element ip ${TABLE} cluster-ips { ${many.join(', ')} }`);
    const inForce: number[] = [];
    proxy.written.onSuccess = () => {
      const ports = [{ name: 'tcp', protocol: 'tcp' as const, port: 8080 }];
      const change = slice([ready('10.32.9.9')], { name: 'web-9', serviceName: 'web', ports });
      proxy.syncer.changed(proxy.cluster.set(change));
      inForce.push(proxy.written.operations);
      proxy.written.onSuccess = (services) => {
        if (services.includes('default/web')) inForce.push(proxy.written.operations);
      };
    };
    proxy.syncer.look('a test');
    await eventually(() => inForce.length > 1 && proxy.written.operations >= 1500, lines(proxy));
    assert.equal(inForce[0], 500, 'when the change came');
    assert.ok((inForce[1] ?? 0) < 1500, `${inForce[1]} when it was in force`);
    assert.match(lines(proxy)(), /somebody changed our rules \(ip\): 1480 more differ/);
  });

  for (const [what, args] of [
    ['deleted', ['flush', 'map', 'ip', TABLE, 'endpoints-tcp']],
    ['put in its way', ['add', 'element', 'ip', TABLE, 'endpoints-tcp', '{ 10.96.0.1 . 80 . 3 : 192.0.2.66 . 1 }']],
  ] as const) {
    test(`a change that meets what somebody has ${what} is in force at once, and nothing is read from end to end`, async () => {
      using kernel = new TestKernel();
      using proxy = await startRichProxy(kernel);
      proxy.byHand(...args);
      const ports = [{ name: 'tcp', protocol: 'tcp' as const, port: 8080 }];
      const all = (n: number) => Array.from({ length: n }, (_, i) => ready(`10.32.7.${i}`));
      for (const count of [4, 1]) {
        proxy.syncer.changed(proxy.cluster.set(slice(all(count), { name: 'web-2', serviceName: 'web', ports })));
        await proxy.syncer.whenInSync();
      }
      proxy.syncer.changed(proxy.cluster.delete('EndpointSlice', 'default/web-1'));
      await proxy.syncer.whenInSync();
      const held = () => proxy.model.ruleset.countOf(endpointsTcp(proxy));
      const listed = () =>
        kernel.byHand('list', 'map', 'ip', TABLE, 'endpoints-tcp').stdout.match(/ \. \d+ comment /g)?.length;
      await eventually(() => listed() === held(), lines(proxy));
      assert.doesNotMatch(lines(proxy)(), /reading the kernel again|building it anew|^E/m);
      assert.match(lines(proxy)(), /somebody changed our rules \(ip\): .*10\.96\.0\.1:80\/tcp: /);
      assert.ok(proxy.drifts.every(({ kind }) => kind === 'slot'));
    });
  }

  test('are found in a large map, too, while changes come too often for a listing of it', async () => {
    using kernel = new TestKernel();
    const cluster = clusterWith();
    const ports = [{ name: 'http', protocol: 'tcp' as const, port: 8080 }];
    const put = (n: number, ...pods: readonly number[]) => {
      const name = `s${n}`;
      const endpoints = pods.map((pod) => ready(`10.32.${n >> 6}.${(n & 63) * 4 + pod}`));
      return cluster.set(slice(endpoints, { name, serviceName: name, ports }));
    };
    for (let n = 0; n < 700; n++) {
      const clusterIps = [`10.96.${n >> 8}.${n & 255}`];
      cluster.set(service({ name: `s${n}`, clusterIps, ports: [{ name: 'http', protocol: 'tcp', port: 80 }] }));
      put(n, 1, 2, 3);
    }
    using proxy = await startRichProxy(kernel, { cluster });
    let changes = 0;
    const stream = setInterval(() => proxy.syncer.changed(put(changes++ % 600, 1, 2 + (changes % 2), 3)), 50);
    try {
      const element = '10.96.2.180 . 80 . 1';
      proxy.byHand('delete', 'element', 'ip', TABLE, 'endpoints-tcp', `{ ${element} }`);
      proxy.byHand('add', 'element', 'ip', TABLE, 'endpoints-tcp', `{ ${element} : 192.0.2.66 . 1 }`);
      proxy.syncer.look('a test');
      await eventually(() => lines(proxy)().includes('its endpoint was changed to "192.0.2.66 . 1"'), lines(proxy));
      const [drift, ...more] = proxy.drifts;
      assert.deepEqual(more, [], `besides ${drift?.message}, our own changes`);
    } finally {
      clearInterval(stream);
    }
    await proxy.syncer.whenInSync();
    await eventually(
      () => !kernel.byHand('list', 'map', 'ip', TABLE, 'endpoints-tcp').stdout.includes('192.0.2.66'),
      lines(proxy),
    );
    assert.equal(proxy.drifts.length, 1);
  });

  test('are found after any number of looks that found the same', async () => {
    using kernel = new TestKernel();
    const many = Array.from({ length: 2_100 }, (_, i) => ready(`10.32.${100 + (i >> 8)}.${i & 255}`));
    const cluster = richCluster('ip');
    cluster.set(slice(many.slice(0, 1000), { name: 'web-2', serviceName: 'web', ports: [TCP] }));
    cluster.set(slice(many.slice(1000), { name: 'web-3', serviceName: 'web', ports: [TCP] }));
    using proxy = await startRichProxy(kernel, { cluster });
    const before = proxy.listing();
    const audited = async () => {
      const { audits } = proxy.written;
      await eventually(() => {
        proxy.syncer.look('a test');
        return proxy.written.audits > audits;
      }, lines(proxy));
    };
    for (let look = 0; look < 2; look++) await audited();
    proxy.byHand('delete', 'element', 'ip', TABLE, 'endpoints-tcp', '{ 10.96.0.1 . 80 . 7 }');
    await eventually(() => {
      proxy.syncer.look('a test');
      return proxy.drifts.length > 0;
    }, lines(proxy));
    await proxy.becomes(before);
    // What was right with the same text is not right any more once the model wants another.
    proxy.syncer.changed(cluster.delete('EndpointSlice', 'default/web-3'));
    await proxy.syncer.whenInSync();
    const less = proxy.listing();
    await audited();
    assert.notEqual(less, before);
    assert.equal(proxy.listing(), less);
    assert.equal(proxy.drifts.length, 1);
  });

  test('are repaired later and later when somebody undoes it again and again', async () => {
    using kernel = new TestKernel();
    using proxy = await startRichProxy(kernel);
    const [element] = oneOfEach(proxy);
    assert.ok(element !== undefined);
    const before = proxy.listing();
    await eventually(() => {
      if (proxy.listing() === before) proxy.byHand(...command('delete', 'ip', element, element.key));
      proxy.syncer.look('a test');
      return lines(proxy)().includes('keeps undoing');
    }, lines(proxy));
    assert.match(lines(proxy)(), /repaired after growing pauses, next time in 5 s/);
    assert.equal(proxy.lines.filter((line) => line.includes('was deleted')).length, 1, 'told once');
  });
});
