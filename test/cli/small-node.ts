import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rawNode, rawService, rawSlice } from '../builders/raw-objects.ts';
import type { Place } from './program.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');
const HTTP = { name: 'http', port: 80, protocol: 'TCP' };
const onNode2 = (address: string) => ({ addresses: [address], nodeName: 'node-2' });

/** What the cluster has beside examples/. */
const MORE: readonly object[] = [
  rawNode('node-1', '192.0.2.1'),
  rawService('new', '10.96.0.81', { ports: [HTTP] }),
  rawService('shop', '10.96.0.82', {
    type: 'NodePort',
    externalTrafficPolicy: 'Local',
    ports: [{ ...HTTP, nodePort: 30_081 }],
  }),
  rawSlice('shop', [], {
    endpoints: ['10.33.0.7', '10.33.0.8'].map(onNode2),
    ports: [{ name: 'http', port: 8080 }],
  }),
];
const MORE_TEXT = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: MORE });

/** Writes the small cluster into a folder that does not exist: examples/, the node node-1, and two Services more. */
export function writeSmallCluster(folder: string): void {
  cpSync(EXAMPLES, folder, { recursive: true });
  writeFileSync(join(folder, 'more.json'), MORE_TEXT);
}

/**
 * Makes a place node-1 of the small cluster, which is in its folder "manifests". In "new-manifests" is
 * what changes it: db is gone, and web has an endpoint more. Returns the daemon's flags.
 */
export function smallNode(place: Place): readonly string[] {
  for (const command of [
    'link add eth0 type veth peer name eth1',
    'address add 192.0.2.1/24 dev eth0',
    'link set eth0 up',
    'link set eth1 up',
  ]) {
    place.command(['ip', ...command.split(' ')]);
  }
  writeSmallCluster(place.file('manifests'));
  mkdirSync(place.file('new-manifests'));
  writeFileSync(place.file('new-manifests/more.json'), MORE_TEXT);
  const before = readFileSync(join(EXAMPLES, 'web.yaml'), 'utf8');
  const web = before.replace('[10.32.0.23]', '[10.32.0.24]\n  - addresses: [10.32.0.23]');
  writeFileSync(place.file('new-manifests/web.yaml'), web);
  return ['--manifests', place.file('manifests'), '--cluster-cidr', '10.32.0.0/15', '--hostname-override', 'node-1'];
}

/** Lines in which what differs from day to day, and from node to node, is the same. */
export function stable(lines: readonly string[]): readonly string[] {
  return lines.map((line) =>
    line
      .trimEnd()
      .replace(/^( +source +).*/, '$1SOURCE')
      .replace(/from (?:manifests in|API server) [^\s)]+/, 'from SOURCE')
      .replace(/ \((?:rules|elements) every [^)]*\)/, '')
      .replace(/\b\d+ (?:ms|s|min|h|d)\b/g, 'TIME')
      .replace(/\b(pid|process) \d+/g, '$1 N')
      .replace(/\bnft [\d.]+, Linux [\w.-]+/, 'nft N, Linux N')
      .replace(/\bnft [\d.]+, with/, 'nft N, with')
      .replace(/\bnode v[\d.]+/, 'node vN')
      .replace(/\d{8}T\d{6}Z/, 'DATE')
      // How many elements and chains there are is for the tests of rules.
      .replace(/\b\d+ (element|chain)s?\b/g, 'N $1s')
      .replace(/(elements written), \d+ deleted/, '$1, N deleted')
      .replace(/^# elements: .*/, '# elements: …')
      .replace(/started by \S+\)/, 'started by X)')
      .replace(/\(\d+ in total\)/, '(N in total)')
      .replace(/^ +[\d.]+ KiB /, 'SIZE '),
  );
}

/** Whether lines are those of a sample, in which a line "…" stands for any number of them. */
export function agree(sample: readonly string[], lines: readonly string[]): boolean {
  const gap = sample.indexOf('…');
  if (gap < 0) return sample.length === lines.length && sample.every((line, i) => line === lines[i]);
  const before = sample.slice(0, gap);
  if (before.some((line, i) => line !== lines[i])) return false;
  const rest = sample.slice(gap + 1);
  for (let from = gap; from <= lines.length; from++) if (agree(rest, lines.slice(from))) return true;
  return false;
}
