import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type AffinityClients, clientInputs, readClients } from '../../src/nft/affinity-clients.ts';
import type { Nft } from '../../src/nft/nft.ts';
import { TestKernel } from '../netns/kernel.ts';

const TABLE = 'kube-proxy-nft';

/** An nft whose listing is this. */
function listing(...lines: readonly string[]): Nft {
  const listText = async (onLine: (line: string) => void) => lines.forEach(onLine);
  return { listText } as Partial<Nft> as Nft;
}

const read = (nft: Nft, sets: readonly string[], most = 100) => readClients(nft, 'ip', TABLE, new Set(sets), most);

const LISTING = listing(
  'table ip kube-proxy-nft {',
  '\tset affinity-1-default/web/http/tcp__10.32.0.1/8080 {',
  '\t\ttypeof ip saddr',
  '\t\tsize 65535\t# count 3',
  '\t\tflags dynamic,timeout',
  '\t\telements = { 198.18.0.1 timeout 3h expires 2h59m59s996ms, 198.18.0.2 timeout 1d expires 984ms,',
  '\t\t\t     198.18.0.3 timeout 10s expires 1s }',
  '\t}',
  '',
  '\tset affinity-2-default/web/http/tcp__10.32.0.2/8080 {',
  '\t\telements = { 198.18.0.4 timeout 3h expires 5m }',
  '\t}',
  '\tset affinity-3-default/web/http/tcp__10.32.0.3/8080 {',
  '\t}',
  '\tchain endpoint-1-default/web/http/tcp__10.32.0.1/8080 {',
  '\t\tupdate @affinity-1-default/web/http/tcp__10.32.0.1/8080 { ip saddr timeout 3h }',
  '\t}',
  '}',
);
const [FIRST, SECOND, THIRD] = [1, 2, 3].map((n) => `affinity-${n}-default/web/http/tcp__10.32.0.${n}/8080`) as [
  string,
  string,
  string,
];

suite('clients with session affinity', () => {
  test('are read from the sets that are named, with their times', async () => {
    const { bySet, count, left } = await read(LISTING, [FIRST, THIRD, 'affinity-4']);
    assert.deepEqual(
      [...bySet],
      [
        [
          FIRST,
          [
            '198.18.0.1 timeout 3h expires 2h59m59s996ms',
            '198.18.0.2 timeout 1d expires 984ms',
            '198.18.0.3 timeout 10s expires 1s',
          ],
        ],
        [THIRD, []],
      ],
    );
    assert.deepEqual({ count, left }, { count: 3, left: 0 });
  });

  test('are read up to a number; the rest is counted', async () => {
    const { bySet, count, left } = await read(LISTING, [FIRST, SECOND], 2);
    assert.deepEqual(
      [...bySet.values()].map((clients) => clients.length),
      [2, 0],
    );
    assert.deepEqual({ count, left }, { count: 2, left: 2 });
  });

  test('are written in bounded inputs, none of them for sets without any', () => {
    const clients = (n: number) =>
      Array.from({ length: n }, (_, i) => `10.0.${i >> 8}.${i & 255} timeout 3h expires 2h`);
    const bySet = new Map([
      ['one', clients(7_000)],
      ['none', []],
      ['two', clients(23_000)],
    ]);
    const found: AffinityClients = { bySet, count: 30_000, left: 0 };
    const inputs = [...clientInputs('ip', TABLE, found)];
    const sizes = inputs.map((input) => input.match(/ timeout /g)?.length);
    assert.deepEqual(sizes, [10_000, 10_000, 10_000]);
    assert.deepEqual(
      inputs.map((input) => input.match(/add element ip kube-proxy-nft \S+ /g)),
      [
        ['add element ip kube-proxy-nft one ', 'add element ip kube-proxy-nft two '],
        ['add element ip kube-proxy-nft two '],
        ['add element ip kube-proxy-nft two '],
      ],
    );
    assert.deepEqual([...clientInputs('ip', TABLE, { bySet: new Map(), count: 0, left: 0 })], []);
  });

  for (const [family, address] of [
    ['ip', '198.18.0.1'],
    ['ip6', '2001:db8::1'],
  ] as const) {
    test(`${family}: nft takes what it has printed`, async () => {
      using kernel = new TestKernel();
      const set = 'affinity-0123456789-default/web/http/tcp__fd00.32..1/8080';
      const declared = `set ${set} { typeof ${family} saddr; flags timeout; }`;
      for (const table of [TABLE, `${TABLE}-b`]) kernel.load(`table ${family} ${table} {\n${declared}\n}\n`);
      kernel.load(`add element ${family} ${TABLE} ${set} { ${address} timeout 3h expires 1h30m }\n`);
      const nft = kernel.nft(family);
      const found = await readClients(nft, family, TABLE, new Set([set]), 10);
      for (const input of clientInputs(family, 'kube-proxy-nft-b', found)) await nft.load(input);
      const { stdout } = kernel.byHand('list', 'table', family, 'kube-proxy-nft-b');
      assert.match(stdout, new RegExp(`${address} timeout 3h expires 1h29m`));
    });
  }
});
