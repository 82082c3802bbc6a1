import type { Nft } from '../nft/nft.ts';
import type { Found } from './find.ts';
import { type IptablesRules, removeIptables } from './iptables.ts';
import { removesSomething } from './iptables-save.ts';
import { deleteIpvsDevice, deleteVirtualServers, destroySets, IPVS_DEVICE } from './ipvs.ts';
import { deleteKubeProxyTable, KUBE_PROXY_TABLE } from './nft-tables.ts';
import { isToBeReset, ROUTE_LOCALNET, resetRouteLocalnet } from './route-localnet.ts';

/** One thing to remove. */
export interface RemovalStep {
  /** "table ip kube-proxy". */
  readonly what: string;
  /** The command to do it by hand. */
  readonly byHand: string;
  /** @throws NftError, ToolError */
  run(): Promise<void>;
}

/** Removes everything. It can run from kube-proxy's own image if the node lacks the tools. */
export const KUBE_PROXY_CLEANUP = 'kube-proxy --cleanup';

/**
 * What to remove so that nothing of kube-proxy is left. The order is safe to interrupt after any step: from the first step
 * on, new connections use our rules, and open ones use conntrack. The exception is IPVS, which comes late.
 */
export function removalSteps(
  { tables, iptables, ipvs, routeLocalnet }: Found,
  nft: Nft,
  runDir: string,
): readonly RemovalStep[] {
  const { device, servers, sets } = ipvs;
  return [
    ...tables.map((family) => ({
      what: `table ${family} ${KUBE_PROXY_TABLE}`,
      byHand: `nft delete table ${family} ${KUBE_PROXY_TABLE}`,
      run: () => deleteKubeProxyTable(nft, family),
    })),
    // Before the iptables rules, because only these show that kube-proxy has set it.
    ...(isToBeReset(routeLocalnet)
      ? [
          {
            what: `sysctl ${ROUTE_LOCALNET}=1, which lets pods and neighbours reach listeners on 127.0.0.1`,
            byHand: `sysctl -w ${ROUTE_LOCALNET}=0`,
            run: resetRouteLocalnet,
          },
        ]
      : []),
    ...iptables
      .filter(({ removals }) => removals.some(removesSomething))
      .map((rules) => ({
        what: describeRemoval(rules),
        byHand: KUBE_PROXY_CLEANUP,
        run: () => removeIptables(rules, runDir),
      })),
    ...(servers.length === 0
      ? []
      : [
          {
            what: `IPVS virtual servers: ${servers.length}; connections through them end`,
            byHand: ipvs.foreign === 0 ? 'ipvsadm --clear' : 'ipvsadm --delete-service, for each of them',
            run: () => deleteVirtualServers(ipvs),
          },
        ]),
    ...(device
      ? [{ what: `interface ${IPVS_DEVICE}`, byHand: `ip link delete ${IPVS_DEVICE}`, run: deleteIpvsDevice }]
      : []),
    // After the iptables rules that use them.
    ...(sets.length === 0
      ? []
      : [
          {
            what: `ipsets: ${sets.join(', ')}`,
            byHand: 'ipset destroy, for each of them',
            run: () => destroySets(sets),
          },
        ]),
  ];
}

/** "ip6tables (nft): chains: 12 of nat, 5 of filter; jumps to them: 12". */
function describeRemoval({ family, backend, removals }: IptablesRules): string {
  const tables = removals.filter(removesSomething);
  const chains = tables.map(({ table, removed }) => `${removed.length} of ${table}`);
  const jumps = tables.reduce((sum, removal) => sum + removal.jumps.length, 0);
  const tool = family === 'ip' ? 'iptables' : 'ip6tables';
  return `${tool} (${backend}): chains: ${chains.join(', ')}; jumps to them: ${jumps}`;
}
