import { FAMILIES, FAMILY_NAMES, type Family } from '../../src/ip.ts';
import { ready, service, slice, slicePort } from '../../test/builders/objects.ts';
import { inNamespace, runSync } from '../../test/netns/namespaces.ts';
import { kernelMemory } from './kernel-memory.ts';
import { clientAddresses, ENDPOINT_PORT, load, newFlowCosts, ownNetworks, tableOf } from './new-flows.ts';
import type { Report } from './report.ts';
import type { Workspace } from './workspace.ts';

/** Clients that a set has room for, and how many come. */
const ROOM = 65_535;
const FLOWS = { turns: 660, flows: 100 };
const COMING = FLOWS.turns * FLOWS.flows;

const NETWORKS = { ip: '10.0.0.0/8', ip6: 'fd00::/16' } as const;
/** Without and with a limit. */
const ADDRESSES = { ip: ['10.96.0.1', '10.96.0.2'], ip6: ['fd00:96::1', 'fd00:96::2'] } as const;
const ENDPOINT = { ip: '10.32.0.1', ip6: 'fd00:32::1' } as const;

/** Kernel memory of the clients of a Service with a limit, when their set is full. */
export async function measureLimitMemory(report: Report, workspace: Workspace): Promise<void> {
  for (const family of FAMILIES) {
    const namespace = workspace.namespace(`limit-memory-${family}`);
    ownNetworks(namespace, [NETWORKS[family]]);
    // No client is forgotten meanwhile.
    load(workspace, namespace, limitedTable(family).replace(' timeout 2s ', ' timeout 1h '));
    const sizes: number[] = [];
    for (const address of ADDRESSES[family]) {
      const kind = { protocol: 'udp', address, port: 80 } as const;
      await newFlowCosts(namespace, [namespace], clientAddresses(family, COMING), [kind], FLOWS);
      runSync(inNamespace(namespace, ['conntrack', '-F']));
      sizes.push(await kernelMemory());
    }
    const counters = runSync(inNamespace(namespace, ['nft', 'list', 'counters'])).stdout;
    if (!/unlimited-[^{]*\{\s*packets [1-9]/.test(counters))
      throw new Error(`the set of clients is not full: ${counters}`);
    const [without = Number.NaN, limited = Number.NaN] = sizes;
    report.add(
      'kernel memory of the clients of a limit',
      `${FAMILY_NAMES[family]}, ${ROOM}`,
      (limited - without) / 2 ** 20,
      'MiB',
    );
    workspace.clear();
  }
}

function limitedTable(family: Family): string {
  const objects = ADDRESSES[family].flatMap((address, n) => {
    const name = `web-${n}`;
    const ports = [{ name: 'dns', protocol: 'udp', port: 80 }] as const;
    return [
      service({ name, clusterIps: [address], ports, ...(n === 1 && { options: { limitPerSecond: 100 } }) }),
      slice([ready(ENDPOINT[family])], {
        name: `${name}-1`,
        serviceName: name,
        ports: [slicePort({ name: 'dns', protocol: 'udp', port: ENDPOINT_PORT })],
      }),
    ];
  });
  return tableOf(objects, { family, program: { connectionCounters: true } });
}
