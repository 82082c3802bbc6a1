import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FLAGS } from '../src/config/flags.ts';
import { suggest } from '../src/suggest.ts';

suite('a suggestion for an unknown flag', () => {
  const cases: readonly [name: string, expected: string | undefined][] = [
    ['cluster-cdir', 'cluster-cidr'],
    ['manifest', 'manifests'],
    ['kube-config', 'kubeconfig'],
    ['Masquerade-All', 'masquerade-all'],
    ['conntrack-tcp-timeout-closewait', 'conntrack-tcp-timeout-close-wait'],
    ['node-port-addresses', 'nodeport-addresses'],
    ['logtostderr', undefined],
    ['', undefined],
    ['x', undefined],
    ['x'.repeat(1000), undefined],
  ];
  for (const [name, expected] of cases) {
    test(`${name.slice(0, 40)} → ${expected}`, () => assert.equal(suggest(name, [...FLAGS.keys()]), expected));
  }
});
