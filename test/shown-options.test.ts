import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { traceText } from '../src/cli/trace/text.ts';
import { nodeFlags } from '../src/daemon/answers/node-flags.ts';
import { renderServices } from '../src/daemon/answers/services-answer.ts';
import { ANNOTATION_NAMES, ANNOTATION_PREFIX } from '../src/objects/service-options.ts';
import { serviceDetail } from '../src/page/service-detail.ts';
import { serviceLines } from '../src/page/service-lines.ts';
import { atOnce } from '../src/service/steps.ts';
import { countOptions } from '../src/service/used-options.ts';
import { changeLines } from '../src/status/changes-text.ts';
import { endpointRows, endpointTable } from '../src/status/endpoint-rows.ts';
import { serviceChanges } from '../src/status/service-changes.ts';
import type { ServiceRow } from '../src/status/service-rows.ts';
import { serviceTable } from '../src/status/service-table.ts';
import { statusText } from '../src/status/status.ts';
import { rawService, rawSlice } from './builders/raw-objects.ts';
import { status } from './builders/status.ts';
import { smallCluster } from './cli/trace/small-cluster.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../docs/beyond-kube-proxy.md'), 'utf8');

/** The rows of the section's tables: an option, and what each place says of it. */
const [, SECTION = ''] = PAGE.split('\n## What shows it\n');
const ROWS = [...(SECTION.split('\n## ')[0] ?? '').matchAll(/^\| `(.*?)` \| (.*) \|$/gm)].map(
  ([, option = '', cells = '']) => ({ option, cells: cells.split(' | ') }),
);

/** In the order of the columns. */
const PLACES = ['status', 'get', 'json', 'endpoints', 'trace', 'diff', 'list', 'detail'] as const;
type Shown = Readonly<Record<(typeof PLACES)[number], string>>;

interface Configured {
  readonly flags?: readonly string[];
  /** Annotations of the Service, and of one of its two slices. */
  readonly service?: object;
  readonly slice?: object;
}

/** What a row's option sets: "limit: 100/s", or a flag. */
function configuredBy(text: string): Configured {
  if (text.startsWith('--')) return { flags: text.split(' ') };
  const [name = '', value = ''] = text.split(': ');
  const annotations = { [`${ANNOTATION_PREFIX}${name}`]: value.replaceAll('"', '') };
  return ANNOTATION_NAMES.includes(name) ? { service: annotations } : { slice: annotations };
}

const NODES = [
  ['here', 'a', 'True'],
  ['there', 'b', 'Unknown'],
  ['elsewhere', 'b', 'True'],
].map(([name, zone, ready]) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'topology.kubernetes.io/zone': zone } },
  status: {
    addresses: name === 'here' ? [{ type: 'InternalIP', address: '192.0.2.1' }] : [],
    conditions: [{ type: 'Ready', status: ready }],
  },
}));

const HERE = { addresses: ['10.32.0.5'], nodeName: 'here', zone: 'a' };
const THERE = { addresses: ['10.33.0.6'], nodeName: 'there', zone: 'b' };

const sliceOf = (name: string, endpoint: object, annotations = {}) =>
  rawSlice('web', [], {
    metadata: { name, namespace: 'default', annotations, labels: { 'kubernetes.io/service-name': 'web' } },
    endpoints: [endpoint],
  });

/** A Service of which one endpoint comes later. */
function clusterOf({ flags = [], service = {}, slice = {} }: Configured) {
  const web = rawService('web', '10.96.0.80', {
    type: 'LoadBalancer',
    ports: [{ port: 80, nodePort: 30_080 }],
    loadBalancerSourceRanges: ['203.0.113.0/24'],
  });
  const annotations = { 'service.cilium.io/lb-algorithm': 'maglev', ...service };
  const known = smallCluster(flags, [
    ...NODES,
    { ...web, metadata: { ...web.metadata, annotations } },
    sliceOf('web-1', HERE, slice),
  ]);
  known.add(sliceOf('web-2', THERE));
  const { args } = known;
  const rows: readonly ServiceRow[] = JSON.parse(renderServices(known.known, new URLSearchParams(), args)).rows;
  return { ...known, rows };
}

const PLAIN = clusterOf({});

async function shownOf({ args, cluster, known, rows, trace }: typeof PLAIN): Promise<Shown> {
  const { shortfalls } = known;
  const models = known.models.map(({ model }) => model);
  const listed = { cluster, models, shortfalls, resets: args };
  const [options, flags] = [countOptions(cluster), nodeFlags(args)];
  const traces = [await trace('10.96.0.80:80/tcp'), await trace(':30080', '198.51.100.7')];
  const [line] = atOnce(serviceLines(listed, 0, 0)).lines;
  const changes = changeLines(serviceChanges(PLAIN.rows, rows)).map(([sign, text]) => `${sign} ${text}`);
  return {
    status: statusText(status({ ...(options && { options }), ...(flags.length > 0 && { flags }) })),
    get: serviceTable(rows, true),
    json: JSON.stringify(rows),
    endpoints: endpointTable(endpointRows(rows), true),
    trace: traces.map((answer) => traceText(answer, false)).join('\n'),
    diff: changes.join('\n'),
    list: line?.[8] ?? '',
    detail: JSON.stringify(atOnce(serviceDetail(listed, 'default/web'))),
  };
}

suite('what is beyond kube-proxy', () => {
  test('has a row for every annotation, shown everywhere but among endpoints, and for every flag', () => {
    const rowOf = (name: string) => ROWS.find(({ option }) => option.split(/[: ]/)[0] === name) ?? assert.fail(name);
    for (const name of [...ANNOTATION_NAMES, 'weight']) {
      const missing = PLACES.filter((place, i) => place !== 'endpoints' && rowOf(name).cells[i] === '–');
      assert.deepEqual(missing, [], name);
    }
    const all = nodeFlags({
      ...{ resetGoneEndpoints: true, skipUnreachableNodes: true, nodePortSourceRanges: ['192.0.2.0/24'] },
      ...{ sourceRangesOnNodePorts: true, readCiliumAnnotations: true },
    });
    for (const flag of all) rowOf(flag.split(' ')[0] ?? '');
  });

  for (const { option, cells } of ROWS) {
    test(`is shown as the page says: ${option}`, async () => {
      const [plain, found] = [await shownOf(PLAIN), await shownOf(clusterOf(configuredBy(option)))];
      assert.equal(cells.length, PLACES.length);
      for (const [i, place] of PLACES.entries()) {
        const cell = cells[i] ?? '';
        const words = [...cell.matchAll(/`(.*?)`/g)].map(([, text = '']) => text);
        if (cell === '–') assert.deepEqual(found[place], plain[place], place);
        for (const text of words) {
          if (place === 'json') {
            assert.notDeepEqual(valuesOf(found.json, text), valuesOf(plain.json, text), text);
            continue;
          }
          assert.ok(found[place].includes(text), `${place}: ${text}\n${found[place]}`);
          assert.ok(!plain[place].includes(text), `${place}: ${text} is there without it`);
        }
      }
    });
  }
});

/** What each row has in a field. */
function valuesOf(rows: string, field: string): readonly unknown[] {
  return JSON.parse(rows).map((row: Readonly<Record<string, unknown>>) => row[field]);
}
