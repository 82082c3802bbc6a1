import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  parseSave,
  planTable,
  removalDocument,
  type SavedTable,
  serviceAddresses,
} from '../../src/migration/iptables-save.ts';
import { iptablesOfKubeProxy } from './kube-proxy-rules.ts';

const BUILT_IN = ':PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n';
const SERVICE = 'KUBE-SVC-ABCDEFGHIJKLMNOP';
const JUMP = '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES';

/** A table nat of these chains that are not built in, and rules. */
function nat(chains: readonly string[], rules: readonly string[]): SavedTable {
  const text = `*nat\n${BUILT_IN}${chains.map((chain) => `:${chain} - [0:0]\n`).join('')}${rules.join('\n')}\nCOMMIT\n`;
  const [table] = parseSave(text);
  assert.ok(table);
  return table;
}

const removal = (chains: readonly string[], rules: readonly string[]) =>
  removalDocument([planTable(nat(chains, rules))])
    .split('\n')
    .filter(Boolean);

describe('what of iptables is removed', () => {
  it('jumps first, then all rules of the chains, then the chains', () => {
    assert.deepEqual(removal(['KUBE-SERVICES', SERVICE], [JUMP, `-A KUBE-SERVICES -j ${SERVICE}`]), [
      '*nat',
      JUMP.replace('-A', '-D'),
      '-F KUBE-SERVICES',
      `-F ${SERVICE}`,
      '-X KUBE-SERVICES',
      `-X ${SERVICE}`,
      'COMMIT',
    ]);
  });

  it('a jump that is there twice goes twice', () => {
    assert.equal(removal(['KUBE-SERVICES'], [JUMP, JUMP]).filter((line) => line.startsWith('-D')).length, 2);
  });

  for (const chain of [
    'KUBE-KUBELET-CANARY',
    'KUBE-MARK-DROP',
    'KUBE-ROUTER-INPUT',
    'KUBE-POD-FW-ABCDEFGHIJKLMNOP',
    'KUBE-NWPLCY-ABCDEFGHIJKLMNOP',
    'KUBE-SVC-short',
    'CILIUM_PRE_nat',
  ]) {
    it(`not ${chain}`, () => assert.deepEqual(removal([chain], [`-A PREROUTING -j ${chain}`]), []));
  }

  it('not a rule whose comment only looks like a jump', () => {
    const rule = String.raw`-A INPUT -m comment --comment "a \"b\" -j KUBE-SERVICES" -j ACCEPT`;
    assert.deepEqual(removal(['KUBE-SERVICES'], [rule]), ['*nat', '-F KUBE-SERVICES', '-X KUBE-SERVICES', 'COMMIT']);
  });

  it('not KUBE-FIREWALL of table filter, which is kubelet’s', () => {
    const [table] = parseSave(
      '*filter\n:INPUT ACCEPT [0:0]\n:KUBE-FIREWALL - [0:0]\n-A INPUT -j KUBE-FIREWALL\nCOMMIT\n',
    );
    assert.ok(table);
    assert.equal(removalDocument([planTable(table)]), '');
    assert.deepEqual(planTable(table).kubelet, ['KUBE-FIREWALL']);
  });

  it('what marks for masquerading stays if somebody else uses it, with what masquerades', () => {
    const foreign = '-A CNI-HOSTPORT-SETMARK -j KUBE-MARK-MASQ';
    const plan = planTable(
      nat(
        ['CNI-HOSTPORT-SETMARK', 'KUBE-MARK-MASQ', 'KUBE-POSTROUTING', 'KUBE-SERVICES', SERVICE],
        [
          JUMP,
          '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
          foreign,
          `-A KUBE-SERVICES -j ${SERVICE}`,
          `-A ${SERVICE} -j KUBE-MARK-MASQ`,
        ],
      ),
    );
    assert.deepEqual(plan.kept, ['KUBE-MARK-MASQ', 'KUBE-POSTROUTING']);
    assert.deepEqual(plan.removed, ['KUBE-SERVICES', SERVICE]);
    assert.deepEqual(
      plan.jumps.map(({ text }) => `-A ${text}`),
      [JUMP],
    );
    assert.deepEqual(
      plan.foreign.map(({ text }) => `-A ${text}`),
      [foreign],
    );
  });

  it('a chain that a rule of somebody else leads to stays with all it leads to', () => {
    const plan = planTable(
      nat(
        ['KUBE-SERVICES', SERVICE, 'KUBE-PROXY-CANARY'],
        ['-A PREROUTING -i wg0 -j KUBE-SERVICES', JUMP, `-A KUBE-SERVICES -j ${SERVICE}`],
      ),
    );
    assert.deepEqual([plan.kept, plan.removed, plan.jumps], [['KUBE-SERVICES', SERVICE], ['KUBE-PROXY-CANARY'], []]);
  });

  it('the addresses of Services are those of KUBE-SERVICES, with endpoints and without', () => {
    const service = { name: 'web', protocol: 'tcp', port: 80 } as const;
    const endpoints = [{ address: 'fd00::9', port: 80 }];
    const text = iptablesOfKubeProxy(
      'ip6',
      [
        { ...service, address: 'fd00:96::0:1', endpoints },
        { ...service, name: 'dead', address: 'fd00:96::2', endpoints: [] },
      ],
      'fd00:32::/64',
    );
    assert.deepEqual(serviceAddresses(parseSave(text)).toSorted(), ['fd00:96::1', 'fd00:96::2']);
  });
});
