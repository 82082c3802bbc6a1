import type { BindAddress } from '../http/bind-address.ts';
import type { Family } from '../ip.ts';
import type { LogFormat } from '../log-line.ts';
import type { Protection } from '../service/reserved-addresses.ts';
import type { Configuration, GivenFields } from './fields.ts';
import type { Output } from './output.ts';

/** What the command line asks for, with the configuration file if there is one. */
export interface Arguments {
  /** The name of the command. */
  readonly command: string;
  /** The words after it, as many as it takes. */
  readonly operands: readonly string[];
  /** --beside-kube-proxy: a daemon starts although a kube-proxy works in its network namespace. */
  readonly besideKubeProxy: boolean;
  /** --config. */
  readonly config: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly master: string | undefined;
  readonly manifests: string | undefined;
  /** The name of this node's Node object: --hostname-override, or the host name in lower case. */
  readonly nodeName: string;
  /** The pod network of each family, as "address/prefix". */
  readonly podCidrs: ReadonlyMap<Family, string>;
  readonly masqueradeAll: boolean;
  /** --detect-local-mode: how connections from pods are known. */
  readonly detectLocal: DetectLocal;
  /** --nodeport-addresses: networks, and the words "primary", "all" and "localhost". */
  readonly nodePortAddresses: readonly string[];
  /** --bind-address, canonical: this node's primary address whatever its Node says; undefined: what its Node says. */
  readonly bindAddress: string | undefined;
  /** Feature gate AllowServiceExternalIPs: false if spec.externalIPs of Services are to be ignored. */
  readonly allowExternalIps: boolean;
  /** Where the health and metrics servers listen; undefined: they do not. */
  readonly healthzBindAddress: BindAddress | undefined;
  readonly metricsBindAddress: BindAddress | undefined;
  /** Feature gates ComponentStatusz and ComponentFlagz: pages of the metrics server for people. */
  readonly zpages: { readonly statusz: boolean; readonly flagz: boolean };
  /** --bind-address-hard-fail: an address that cannot be listened on ends the start. */
  readonly bindAddressHardFail: boolean;
  /** Milliseconds: half of what a change may wait until we call ourselves unhealthy. */
  readonly syncPeriod: number;
  /** Milliseconds from one transaction to the next while changes keep coming. */
  readonly transactionInterval: number;
  /** Elements that one Service may have in the rules of one family. */
  readonly maxElementsPerService: number;
  /** Elements that all Services may have together; 0: what fits into the memory there is. */
  readonly maxElements: number;
  /** --protect-addresses: what becomes of external and load balancer IPs that belong to the cluster or the node. */
  readonly protectAddresses: Protection;
  /** Endpoints of one Service with session affinity that have lists of their clients. */
  readonly maxAffinityEndpoints: number;
  /** --skip-unreachable-nodes: whether endpoints on nodes that are not Ready are used only where there are no others. */
  readonly skipUnreachableNodes: boolean;
  /** --read-cilium-annotations: what Cilium's say counts where an annotation of ours is absent. */
  readonly readCiliumAnnotations: boolean;
  /** --no-watch: what is in the kernel is not compared with the model while the daemon runs. */
  readonly noWatch: boolean;
  /** --watch-others: who changes our tables is looked for from the start. */
  readonly watchOthers: boolean;
  /** --heartbeat: whether packets of our own show that the rules are there. */
  readonly heartbeat: boolean;
  /** --page: whether there is an operator's page. */
  readonly page: boolean;
  /** --page-address: where it is served beside the metrics' address, to whoever reaches it; undefined: nowhere. */
  readonly pageAddress: BindAddress | undefined;
  /** --connection-counters: whether the kernel counts the new connections to each Service. */
  readonly connectionCounters: boolean;
  /** --connection-metrics: of how many ports of Services /metrics has them; 0: it has none. */
  readonly connectionMetrics: number;
  /** --reset-gone-endpoints: TCP connections to endpoints that are gone end, where the Service does not say otherwise. */
  readonly resetGoneEndpoints: boolean;
  /** --source-ranges-on-node-ports: loadBalancerSourceRanges hold for node ports, too, where no annotation says otherwise. */
  readonly sourceRangesOnNodePorts: boolean;
  /** --node-port-source-ranges: networks that may connect to node ports; empty: everybody may. */
  readonly nodePortSourceRanges: readonly string[];
  /** Whether that takes rules of its own, since nf_conntrack_tcp_loose is 0 here. */
  readonly resetUnknown: boolean;
  readonly runDir: string;
  /** --state-dir: where the last known state is kept; empty with --no-state; undefined: where the environment says. */
  readonly stateDir: string | undefined;
  /** Milliseconds at which a saved state is too old to be served from; 0: none is kept. */
  readonly stateMaxAge: number;
  /** -o: one of what the command can print, the first of these if it is not given; undefined if it prints no data. */
  readonly output: Output | undefined;
  readonly verbosity: number;
  /** --logging-format. */
  readonly logFormat: LogFormat;
  /** All of it, as a KubeProxyConfiguration. */
  readonly configuration: Configuration;
  /** What of it the file sets. */
  readonly fileFields: GivenFields;
  /** Every flag and its value, also where the file counts instead. Flags of single commands are read from here. */
  readonly flagValues: ReadonlyMap<string, string>;
  /** To be logged at a start: what is ignored, and what has no effect here. */
  readonly notes: readonly string[];
}

/** KubeProxyConfiguration's detectLocalMode; `pattern` is an interface name as nft matches it ("veth*"). */
export type DetectLocal =
  | { readonly mode: 'ClusterCIDR' }
  | { readonly mode: 'NodeCIDR' }
  | { readonly mode: 'BridgeInterface' | 'InterfaceNamePrefix'; readonly pattern: string };

/** Whether a boolean flag is on. */
export function isSet({ flagValues }: Pick<Arguments, 'flagValues'>, name: string): boolean {
  return flagValues.get(name) === 'true';
}

/** The text of a flag; undefined if that is empty or not given. */
export function textOf({ flagValues }: Pick<Arguments, 'flagValues'>, name: string): string | undefined {
  return flagValues.get(name) || undefined;
}
