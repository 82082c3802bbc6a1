import type { BindAddress } from '../http/bind-address.ts';
import type { Family } from '../ip.ts';
import type { LogFormat } from '../log-line.ts';
import type { Protection } from '../service/reserved-addresses.ts';
import type { Configuration, GivenFields } from './fields.ts';
import type { Output } from './output.ts';

/** The parsed command line, combined with the configuration file, if any. */
export interface Arguments {
  /** The name of the command. */
  readonly command: string;
  /** The words after the command. */
  readonly operands: readonly string[];
  /** --beside-kube-proxy: start even if kube-proxy runs in this network namespace. */
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
  /** --detect-local-mode: how to recognise connections from pods. */
  readonly detectLocal: DetectLocal;
  /** --nodeport-addresses: networks, and the words "primary", "all" and "localhost". */
  readonly nodePortAddresses: readonly string[];
  /** --bind-address, canonical: this node's primary address; undefined: the address in its Node object. */
  readonly bindAddress: string | undefined;
  /** Feature gate AllowServiceExternalIPs: if false, spec.externalIPs of Services are ignored. */
  readonly allowExternalIps: boolean;
  /** The addresses of the health and metrics servers; undefined: do not listen. */
  readonly healthzBindAddress: BindAddress | undefined;
  readonly metricsBindAddress: BindAddress | undefined;
  /** Feature gates ComponentStatusz and ComponentFlagz: pages of the metrics server for people. */
  readonly zpages: { readonly statusz: boolean; readonly flagz: boolean };
  /** --bind-address-hard-fail: exit at the start if listening fails. */
  readonly bindAddressHardFail: boolean;
  /** Milliseconds: half the time that a change may wait before the daemon reports that it is unhealthy. */
  readonly syncPeriod: number;
  /** Minimum time between two transactions while changes keep coming, in milliseconds. */
  readonly transactionInterval: number;
  /** The maximum number of elements of one Service in the rules of one family. */
  readonly maxElementsPerService: number;
  /** The maximum number of elements of all Services together; 0: as many as fit into memory. */
  readonly maxElements: number;
  /** --protect-addresses: how to treat external and load balancer IPs that belong to the cluster or the node. */
  readonly protectAddresses: Protection;
  /** The maximum number of endpoints for which a Service with session affinity keeps lists of clients. */
  readonly maxAffinityEndpoints: number;
  /** --skip-unreachable-nodes: whether endpoints on nodes that are not Ready are used only if there are no others. */
  readonly skipUnreachableNodes: boolean;
  /** --read-cilium-annotations: Cilium's annotations apply if our own annotation is absent. */
  readonly readCiliumAnnotations: boolean;
  /** --no-watch: the daemon does not compare the kernel with the model while it runs. */
  readonly noWatch: boolean;
  /** --watch-others: from the start, find out who changes our tables. */
  readonly watchOthers: boolean;
  /** --heartbeat: whether to verify the rules with packets of our own. */
  readonly heartbeat: boolean;
  /** --page: whether there is an operator's page. */
  readonly page: boolean;
  /** --page-address: a further address of the page, for anyone who can connect; undefined: none. */
  readonly pageAddress: BindAddress | undefined;
  /** --connection-counters: whether the kernel counts the new connections to each Service. */
  readonly connectionCounters: boolean;
  /** --connection-metrics: the number of Service ports whose counts /metrics has; 0: none. */
  readonly connectionMetrics: number;
  /** --reset-gone-endpoints: end TCP connections to removed endpoints, unless the Service says otherwise. */
  readonly resetGoneEndpoints: boolean;
  /**
   * --source-ranges-on-node-ports: loadBalancerSourceRanges also apply to node ports, unless an annotation says otherwise.
   */
  readonly sourceRangesOnNodePorts: boolean;
  /** --node-port-source-ranges: networks that may connect to node ports; empty: everyone may. */
  readonly nodePortSourceRanges: readonly string[];
  /** Whether --reset-gone-endpoints needs its own rules, because nf_conntrack_tcp_loose is 0 here. */
  readonly resetUnknown: boolean;
  /** Whether these rules are needed here, but are not there without --reset-gone-endpoints. Annotations do not add them. */
  readonly resetsLackRules: boolean;
  readonly runDir: string;
  /** --state-dir: the folder for the last known state; empty with --no-state; undefined: the one from the environment. */
  readonly stateDir: string | undefined;
  /** The maximum age of a saved state to serve from, in milliseconds; 0: none is saved. */
  readonly stateMaxAge: number;
  /** -o, or the command's default; undefined if the command prints no data. */
  readonly output: Output | undefined;
  readonly verbosity: number;
  /** --logging-format. */
  readonly logFormat: LogFormat;
  /** The complete configuration, as a KubeProxyConfiguration. */
  readonly configuration: Configuration;
  /** The fields that the file sets. */
  readonly fileFields: GivenFields;
  /** All flags and their values, even if the file overrides them. Commands read their own flags from here. */
  readonly flagValues: ReadonlyMap<string, string>;
  /** Lines to log at startup: what is ignored, and what has no effect. */
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
