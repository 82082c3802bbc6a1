import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { describe, it, type TestContext } from 'node:test';
import { deleteVirtualServers, destroySets, hasIpvs, parseVirtualServers, readIpvs } from '../../src/migration/ipvs.ts';
import { isKubeProxySet } from '../../src/migration/kube-chains.ts';

// As net/netfilter/ipvs/ip_vs_ctl.c prints it.
const HEADER = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
`;
const CLUSTER_IP = 'TCP  0A600001:01BB rr\n  -> C0A80164:192B      Masq    1      0          0\n';
const CLUSTER_IP6 = `UDP  [fd00:0096:0000:0000:0000:0000:0000:000a]:0035 rr persistent 10800
  -> [fd00:0032:0000:0000:0000:0000:0000:0015]:14E9      Masq    1      0          0
`;
const NODE_PORT = 'SCTP 7F000001:7580 rr\n';
const MARKED = 'FWM  00000001 wlc\n';
/** A load balancer on this node that is none of kube-proxy's: the node's own address, but no node port. */
const FOREIGN = 'TCP  7F000001:1F90 wlc\n';

/** A folder to read IPVS from, and tools that write down how they are called: there is no IPVS in the tests' kernels. */
function playIpvs(context: TestContext, ipVs: string, device = true): { procNet: string; calls(): readonly string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-ipvs-'));
  const path = process.env['PATH'];
  context.after(() => {
    process.env['PATH'] = path;
    rmSync(folder, { recursive: true });
  });
  process.env['PATH'] = `${folder}:${path}`;
  const tool = (name: string, prints: string) =>
    writeFileSync(join(folder, name), `#!/bin/sh\necho "${name} $*" >> ${folder}/calls\n${prints}\n`, { mode: 0o755 });
  const addresses = [
    { addr_info: [{ local: '10.96.0.1' }, { local: 'fd00:96::a' }, { local: 'fe80::1', scope: 'link' }] },
  ];
  tool('ip', `echo '${JSON.stringify(addresses)}'`);
  tool('ipset', '[ "$1" = list ] && printf "KUBE-CLUSTER-IP\\nKUBE-SRC-ABC\\n"; exit 0');
  tool('ipvsadm', '');
  writeFileSync(join(folder, 'ip_vs'), HEADER + ipVs);
  writeFileSync(join(folder, 'dev'), `Inter-|   Receive\n face |bytes\n    lo: 0\n${device ? 'kube-ipvs0: 0\n' : ''}`);
  const calls = () =>
    readFileSync(join(folder, 'calls'), 'utf8')
      .split('\n')
      .filter((line) => /ipvsadm|destroy/.test(line));
  return { procNet: folder, calls };
}

describe('what ipvs mode leaves', () => {
  it('virtual servers are read from the kernel’s listing; those by firewall mark are somebody else’s', () => {
    assert.deepEqual(parseVirtualServers(HEADER + CLUSTER_IP + CLUSTER_IP6 + MARKED), {
      servers: [
        { protocol: 'TCP', address: '10.96.0.1', port: 443 },
        { protocol: 'UDP', address: 'fd00:96::a', port: 53 },
      ],
      unknown: 1,
    });
    assert.deepEqual(parseVirtualServers(''), { servers: [], unknown: 0 });
  });

  it('goes all at once if nobody else uses IPVS', async (context) => {
    const { procNet, calls } = playIpvs(context, CLUSTER_IP + CLUSTER_IP6 + NODE_PORT);
    const state = await readIpvs(procNet);
    assert.deepEqual(state.addresses, ['10.96.0.1', 'fd00:96::a']);
    assert.equal(state.servers.length, 3);
    assert.ok(hasIpvs(state));
    await deleteVirtualServers(state);
    await destroySets(state.sets);
    assert.deepEqual(calls(), ['ipvsadm --clear', 'ipset destroy KUBE-CLUSTER-IP']);
  });

  it('goes one by one beside virtual servers of somebody else, which stay', async (context) => {
    const { procNet, calls } = playIpvs(context, CLUSTER_IP + CLUSTER_IP6 + NODE_PORT + FOREIGN + MARKED);
    const state = await readIpvs(procNet);
    assert.equal(state.foreign, 2);
    await deleteVirtualServers(state);
    assert.deepEqual(calls(), [
      'ipvsadm --delete-service -t 10.96.0.1:443',
      'ipvsadm --delete-service -u [fd00:96::a]:53',
      'ipvsadm --delete-service --sctp-service 127.0.0.1:30080',
    ]);
  });

  it('nothing is kube-proxy’s without its interface', async (context) => {
    const { procNet } = playIpvs(context, NODE_PORT + FOREIGN, false);
    const { device, servers, foreign } = await readIpvs(procNet);
    assert.deepEqual([device, servers, foreign], [false, [], 2]);
  });

  it('ipsets of kube-proxy are known by name, also those cut off at 31 characters', () => {
    const ours = [
      'KUBE-CLUSTER-IP',
      'KUBE-6-CLUSTER-IP',
      'KUBE-6-LOAD-BALANCER-SOURCE-CID',
      'KUBE-6-NODE-PORT-LOCAL-SCTP-HAS',
    ];
    for (const name of ours) assert.ok(isKubeProxySet(name), name);
    const others = ['KUBE-SRC-ABCDEFGHIJKLMNOP', 'kube-router-pod-subnets', 'KUBE-CLUSTER-IPS'];
    for (const name of others) assert.ok(!isKubeProxySet(name), name);
  });
});
