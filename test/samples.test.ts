import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { checkMemory } from '../src/check/memory.ts';
import { findingsText } from '../src/check/print-findings.ts';
import { statusText } from '../src/status/status.ts';
import { rawService, rawSlice } from './builders/raw-objects.ts';
import { AT, status } from './builders/status.ts';
import { Place } from './cli/program.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');

/** Pages whose samples are of one small cluster: examples/, and two Services more. */
const PAGES = ['README.md', 'docs/questions.md'];

/** What a page says that a command prints. */
interface Sample {
  readonly page: string;
  /** The heading that it is below. */
  readonly heading: string;
  readonly command: string;
  readonly lines: readonly string[];
}

function samplesOf(page: string): readonly Sample[] {
  const samples: Sample[] = [];
  for (const section of read(page).split(/^## /m)) {
    const [heading = ''] = section.split('\n');
    for (const [block] of section.matchAll(/^ {4}\$ .*\n(?: {4}.*\n)*/gm)) {
      const [first = '', ...lines] = block
        .trimEnd()
        .split('\n')
        .map((line) => line.slice(4));
      samples.push({ page, heading, command: first.slice(2), lines });
    }
  }
  return samples;
}

const SAMPLES = PAGES.flatMap(samplesOf);

const HTTP = { name: 'http', port: 80, protocol: 'TCP' };
const endpointOn = (nodeName: string) => (address: string) => ({ addresses: [address], nodeName });

/** What the cluster has beside examples/. */
const MORE: readonly object[] = [
  {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node-1' },
    status: { addresses: [{ type: 'InternalIP', address: '192.0.2.1' }] },
  },
  rawService('new', '10.96.0.81', { ports: [HTTP] }),
  rawService('shop', '10.96.0.82', {
    type: 'NodePort',
    externalTrafficPolicy: 'Local',
    ports: [{ ...HTTP, nodePort: 30_081 }],
  }),
  rawSlice('shop', [], {
    endpoints: ['10.33.0.7', '10.33.0.8'].map(endpointOn('node-2')),
    ports: [{ name: 'http', port: 8080 }],
  }),
];

/** A node with that cluster, and the folder of manifests that it is to be compared with. */
async function nodeOf(place: Place): Promise<void> {
  for (const command of [
    'link add eth0 type veth peer name eth1',
    'address add 192.0.2.1/24 dev eth0',
    'link set eth0 up',
    'link set eth1 up',
  ]) {
    place.command(['ip', ...command.split(' ')]);
  }
  mkdirSync(place.file('new-manifests'));
  cpSync(join(ROOT, 'examples'), place.file('manifests'), { recursive: true });
  const more = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: MORE });
  for (const folder of ['manifests', 'new-manifests']) writeFileSync(place.file(`${folder}/more.json`), more);
  const web = read('examples/web.yaml').replace('[10.32.0.23]', '[10.32.0.24]\n  - addresses: [10.32.0.23]');
  writeFileSync(place.file('new-manifests/web.yaml'), web);
  const source = ['--manifests', place.file('manifests'), '--cluster-cidr', '10.32.0.0/15'];
  await place.startDaemon([...source, '--hostname-override', 'node-1']);
}

/** Lines in which what differs from day to day, and from node to node, is the same. */
function stable(lines: readonly string[]): readonly string[] {
  return lines.map((line) =>
    line
      .trimEnd()
      .replace(/^( +source +).*/, '$1SOURCE')
      .replace(/from (?:manifests in|API server) [^\s)]+/, 'from SOURCE')
      .replace(/ \((?:rules|elements) every [^)]*\)/, '')
      .replace(/\b\d+ (?:ms|s|min|h|d)\b/g, 'TIME')
      .replace(/\b(pid|process) \d+/g, '$1 N')
      .replace(/\bnft [\d.]+, Linux [\w.-]+/, 'nft N, Linux N')
      .replace(/started by \S+\)/, 'started by X)')
      .replace(/\(\d+ in all\)/, '(N in all)')
      .replace(/^ +[\d.]+ KiB /, 'SIZE '),
  );
}

/** Whether lines are those of a sample, in which a line "…" stands for any number of them. */
function agree(sample: readonly string[], lines: readonly string[]): boolean {
  const gap = sample.indexOf('…');
  if (gap < 0) return sample.length === lines.length && sample.every((line, i) => line === lines[i]);
  const before = sample.slice(0, gap);
  if (before.some((line, i) => line !== lines[i])) return false;
  const rest = sample.slice(gap + 1);
  for (let from = gap; from <= lines.length; from++) if (agree(rest, lines.slice(from))) return true;
  return false;
}

/** The words of a command line; none of the samples quotes any. */
const wordsOf = (command: string) => command.split(' ').slice(1);

/** Samples that take a cluster or an outage: what would be printed there. */
const ELSEWHERE: Readonly<Record<string, () => readonly string[]>> = {
  'kubectl apply -k deploy/kubernetes/monitoring': () => {
    const name = (file: string) => /^ {2}name: (.*)$/m.exec(read(`deploy/kubernetes/monitoring/${file}`))?.[1];
    const [, config] =
      /configMapGenerator:\n- name: (.*)/.exec(read('deploy/kubernetes/monitoring/kustomization.yaml')) ?? [];
    return [
      `configmap/${config} created`,
      `podmonitor.monitoring.coreos.com/${name('pod-monitor.yaml')} created`,
      `prometheusrule.monitoring.coreos.com/${name('prometheus-rule.yaml')} created`,
    ];
  },
  'kube-proxy-nft status --brief': () =>
    statusText(status({ staleSince: AT - 180_000 }), true)
      .trim()
      .split('\n'),
  'kube-proxy-nft check --config /var/lib/kube-proxy/config.conf': () => {
    const size = { services: 10_000, endpoints: 50_000, families: 2, available: 6120 * 2 ** 20, isOwn: false };
    // As wide as the longest topic.
    const text = findingsText('node-1', [checkMemory(size), { topic: 'metrics address', state: 'ok', found: '' }]);
    return text.split('\n').slice(0, -1);
  },
  'kube-proxy-nft migrate --back': () => {
    const [, told = ''] = /log\.info\('(this node is back[^']*)'/.exec(read('src/cli/migrate.ts')) ?? [];
    return [`I0102 03:04:05.678901 4711] ${told}`];
  },
};

describe('what the pages say that commands print', () => {
  it('is what they print on a small cluster', async (context) => {
    const place = new Place(context);
    await nodeOf(place);
    const isOfCulprit = ({ heading }: Sample) => heading.startsWith('Who broke');
    const run = async ({ command }: Sample) =>
      (await place.run(wordsOf(command), { wrapper: ['/usr/bin/env', '-C', place.folder] })).stdout
        .trimEnd()
        .split('\n');
    const here = SAMPLES.filter(({ command }) => !(command in ELSEWHERE));
    for (const sample of here.filter((one) => !isOfCulprit(one))) {
      const printed = await run(sample);
      assert.ok(
        agree(stable(sample.lines), stable(printed)),
        `${sample.page}, ${sample.command}:\n${sample.lines.join('\n')}\nprinted was:\n${printed.join('\n')}`,
      );
    }
    const culprits = here.filter(isOfCulprit);
    assert.ok(culprits.length > 0);
    for (const sample of culprits) {
      let printed: readonly string[] = [];
      for (let i = 0; i < 30 && !agree(stable(sample.lines), stable(printed)); i++) {
        place.nft('insert rule ip kube-proxy-nft dispatch drop');
        printed = await run(sample);
      }
      assert.ok(agree(stable(sample.lines), stable(printed)), printed.join('\n'));
    }
  });

  for (const [command, printed] of Object.entries(ELSEWHERE)) {
    it(`is what would be printed elsewhere: ${command}`, () => {
      const samples = SAMPLES.filter((sample) => sample.command === command);
      assert.ok(samples.length > 0);
      for (const { lines } of samples) assert.ok(agree(stable(lines), stable(printed())), printed().join('\n'));
    });
  }
});

describe('the questions', () => {
  const sections = read('docs/questions.md').split(/^## /m).slice(1);

  it('begin with a command and what it prints', () => {
    for (const section of sections) assert.match(section, /^.*\?\n\n {4}\$ \S.*\n(?: {4}.*\n)+/);
  });

  it('are all in the table of the README, with the command', () => {
    const rows = read('README.md')
      .split('\n')
      .filter((line) => /^\| .*\]\(docs\/questions\.md#/.test(line));
    assert.equal(rows.length, sections.length);
    for (const [i, section] of sections.entries()) {
      const [heading = ''] = section.split('\n');
      const [, command = ''] = /^ {4}\$ (.*)$/m.exec(section) ?? [];
      const anchor = heading
        .toLowerCase()
        .replace(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-');
      assert.ok(rows[i]?.includes(`(docs/questions.md#${anchor})`), `${heading}: ${rows[i]}`);
      assert.ok(rows[i]?.includes(`\`${command}\``), `${command}: ${rows[i]}`);
    }
  });
});
