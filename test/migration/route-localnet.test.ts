import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { IptablesRules } from '../../src/migration/iptables.ts';
import { parseSave, planTable } from '../../src/migration/iptables-save.ts';
import { isToBeReset, noteOn, readRouteLocalnet } from '../../src/migration/route-localnet.ts';
import { iptablesOfKubeProxy } from './kube-proxy-rules.ts';

const DEFAULT = iptablesOfKubeProxy('ip', [], '10.32.0.0/16');
const LAST_RULE = '-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS';

function rules(text: string, family: 'ip' | 'ip6' = 'ip'): IptablesRules {
  const tables = parseSave(text);
  return { family, backend: 'nft', tables, removals: tables.map(planTable) };
}

/** A kernel with the sysctl, and settings: path → text. */
function machine(context: TestContext, value: string, settings: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-localnet-'));
  context.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'sysctl.d'));
  for (const [path, text] of Object.entries({ value, ...settings })) writeFileSync(join(folder, path), text);
  const configured = ['sysctl.conf', 'sysctl.d', 'none'].map((name) => join(folder, name));
  return {
    folder,
    read: (text: string, family?: 'ip' | 'ip6') =>
      readRouteLocalnet([rules(text, family)], join(folder, 'value'), configured),
  };
}

describe('route_localnet', () => {
  it('is kube-proxy’s where its rules lead from loopback to node ports', (context) => {
    const { read } = machine(context, '1\n');
    assert.ok(DEFAULT.includes(LAST_RULE));
    assert.ok(isToBeReset(read(DEFAULT)));
    // iptables.localhostNodePorts: false
    const without = DEFAULT.replace(LAST_RULE, `! -d 127.0.0.0/8 ${LAST_RULE}`);
    assert.ok(!isToBeReset(read(without)));
    assert.match(noteOn(read(without)) ?? '', /it is unclear whether kube-proxy/);
    // nodePortAddresses with loopback, and without.
    assert.ok(isToBeReset(read(DEFAULT.replace(LAST_RULE, '-d 127.0.0.1/32 -j KUBE-NODEPORTS'))));
    assert.ok(!isToBeReset(read(DEFAULT.replace(LAST_RULE, '-d 192.0.2.1/32 -j KUBE-NODEPORTS'))));
    assert.ok(!isToBeReset(read(DEFAULT, 'ip6')));
    assert.ok(!isToBeReset(read('')));
  });

  it('that is off needs nothing', (context) => {
    const state = machine(context, '0\n').read(DEFAULT);
    assert.ok(!isToBeReset(state));
    assert.equal(noteOn(state), undefined);
  });

  it('that cannot be read is none of ours', (context) => {
    const { folder, read } = machine(context, '1\n');
    rmSync(join(folder, 'value'));
    assert.ok(!isToBeReset(read(DEFAULT)));
  });

  for (const [path, text, isSet] of [
    ['sysctl.conf', 'net.ipv4.conf.all.route_localnet=1\n', true],
    ['sysctl.d/90-a.conf', '# for us\n -net/ipv4/conf/all/route_localnet = 1\n', true],
    ['sysctl.d/90-a.conf', 'net.ipv4.conf.*.route_localnet = 1\n', true],
    ['sysctl.d/90-a.conf', '# net.ipv4.conf.all.route_localnet = 1\n', false],
    ['sysctl.d/90-a.conf', 'net.ipv4.conf.all.route_localnet = 0\n', false],
    ['sysctl.d/90-a.conf', 'net.ipv4.conf.docker0.route_localnet = 1\n', false],
    ['sysctl.d/90-a.conf.bak', 'net.ipv4.conf.all.route_localnet = 1\n', false],
  ] as const) {
    it(`${isSet ? 'stays' : 'does not stay'} for ${path} with ${JSON.stringify(text)}`, (context) => {
      const { folder, read } = machine(context, '1\n', { [path]: text });
      const state = read(DEFAULT);
      assert.equal(isToBeReset(state), !isSet);
      assert.deepEqual(state.setIn, isSet ? [join(folder, path)] : []);
      if (isSet) assert.match(noteOn(state) ?? '', /it stays, because it is set in /);
    });
  }
});
