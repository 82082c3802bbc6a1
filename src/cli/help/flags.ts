import { FLAGS } from '../../config/flags.ts';
import { OUTPUTS } from '../../config/output.ts';
import type { FlagHelp, FlagSection } from './flag-help.ts';
import { OTHERS } from './other-flags.ts';

const SOURCE: FlagSection = {
  title: 'Where Services and EndpointSlices come from (in a pod with a service account: that, if none is given)',
  isListed: true,
  flags: [
    {
      name: 'kubeconfig',
      value: 'FILE',
      text: 'watch the API server this kubeconfig names',
      completes: 'file',
    },
    {
      name: 'master',
      value: 'URL',
      text: "the API server's address, instead of the one in the kubeconfig or the in-cluster one",
    },
    {
      name: 'manifests',
      value: 'PATH',
      text: 'a file or folder of YAML or JSON, watched for changes; needs no cluster',
      completes: 'file',
    },
  ],
};

const CONFIGURATION: FlagSection = {
  title: 'Configuration',
  isListed: true,
  flags: [
    {
      name: 'config',
      value: 'FILE',
      text: 'a KubeProxyConfiguration, as kubeadm writes it. Of the flags below those of logging and --hostname-override count beside it. When it changes, we end, to be started again',
      completes: 'file',
    },
  ],
};

const KUBE_PROXY: FlagSection = {
  title: 'Flags, those of kube-proxy',
  note: 'Those that are not listed are accepted; docs/configuration.md has them all',
  isListed: true,
  flags: [
    {
      name: 'cluster-cidr',
      value: 'CIDRS',
      text: "the pods' network; for dual-stack one of each family, with a comma. Connections to a ClusterIP from elsewhere get this node's address as source",
    },
    {
      name: 'masquerade-all',
      text: "connections to a ClusterIP from everywhere get this node's address as source",
    },
    {
      name: 'detect-local-mode',
      value: 'MODE',
      text: 'how connections from pods are known: ClusterCIDR (default), NodeCIDR, or by where they come in: BridgeInterface, InterfaceNamePrefix',
      completes: { words: ['ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix'] },
    },
    { name: 'pod-bridge-interface', value: 'NAME', text: 'the bridge of --detect-local-mode BridgeInterface' },
    {
      name: 'pod-interface-name-prefix',
      value: 'PREFIX',
      text: 'how the interfaces of --detect-local-mode InterfaceNamePrefix begin',
    },
    {
      name: 'nodeport-addresses',
      value: 'LIST',
      text: "the node's addresses that node ports are served on: CIDRs, primary (default), all; localhost, too: TCP node ports on 127.0.0.1 and ::1",
      completes: { words: ['primary', 'all', 'localhost'], list: true },
    },
    {
      name: 'healthz-bind-address',
      value: 'ADDRESS',
      text: '/healthz and /livez (default: 0.0.0.0:10256; empty: none)',
    },
    {
      name: 'metrics-bind-address',
      value: 'ADDRESS',
      text: '/metrics, /proxyMode, /configz (default: 127.0.0.1:10249; empty: none)',
    },
    {
      name: 'bind-address-hard-fail',
      text: 'end if one of these two cannot be listened on, instead of trying again',
    },
    {
      name: 'bind-address',
      value: 'ADDRESS',
      text: "this node's primary address, instead of what its Node object has",
    },
    {
      name: 'hostname-override',
      value: 'NAME',
      text: "the name of this node's Node object (default: the host name)",
    },
    {
      name: 'conntrack-max-per-core',
      value: 'N',
      text: 'flows to track for each CPU (default: 32768; 0: leave it)',
    },
    { name: 'conntrack-min', value: 'N', text: 'flows to track at least (default: 131072)' },
    {
      name: 'conntrack-tcp-timeout-established',
      value: 'DURATION',
      text: 'how long an idle TCP connection is tracked (default: 24h; 0: leave it)',
    },
    {
      name: 'conntrack-tcp-timeout-close-wait',
      value: 'DURATION',
      text: 'the same in CLOSE_WAIT (default: 1h; 0: leave it)',
    },
    {
      name: 'conntrack-udp-timeout',
      value: 'DURATION',
      text: 'how long a UDP flow without an answer is tracked (default: 0: leave it)',
    },
    {
      name: 'conntrack-udp-timeout-stream',
      value: 'DURATION',
      text: 'how long a UDP flow with answers is tracked (default: 0: leave it)',
    },
    { name: 'conntrack-tcp-be-liberal', text: 'take TCP packets outside of the window for valid ones' },
    { name: 'oom-score-adj', value: 'N', text: 'of this process (default: -999)' },
    {
      name: 'iptables-sync-period',
      value: 'DURATION',
      text: 'half of what a change may wait until /healthz says so (default: 30s)',
    },
    {
      name: 'feature-gates',
      value: 'GATES',
      text: 'AllowServiceExternalIPs=false ignores the externalIPs of Services (KEP-5707), ComponentStatusz=false and ComponentFlagz=false switch these pages off; other gates change nothing',
    },
    { name: 'v', value: 'N', text: 'verbosity; 0 is quiet, 2 shows each transaction' },
    {
      name: 'logging-format',
      value: 'FORMAT',
      text: 'of the log: text (the default, as klog writes it) or json (an object a line, as Kubernetes has it)',
      completes: { words: ['text', 'json'] },
    },
  ],
};

const OURS: FlagSection = {
  title: 'Flags, ours',
  isListed: true,
  flags: [
    {
      name: 'run-dir',
      value: 'DIR',
      text: 'for the control socket and nft input that failed (default: /run/kube-proxy-nft)',
      completes: 'folder',
    },
    {
      name: 'state-dir',
      value: 'DIR',
      text: 'for the last known state (default: $STATE_DIRECTORY, as systemd sets it; without that none is kept). It is served from after a reboot while the API server cannot be reached',
      completes: 'folder',
    },
    {
      name: 'state-max-age',
      value: 'DURATION',
      text: 'at which that state is too old to be served from (default: 24h; 0: none is kept)',
    },
    { name: 'no-state', text: 'keep no state, and serve from none' },
    {
      name: 'transaction-interval',
      value: 'DURATION',
      text: 'from one change of the kernel to the next while changes keep coming (default: 80ms; 0: each at once)',
    },
    {
      name: 'max-elements-per-service',
      value: 'NUMBER',
      text: 'what one Service may have in the rules of one family; beyond it some endpoints are not used (default: 300000)',
    },
    {
      name: 'max-elements',
      value: 'NUMBER',
      text: 'what all Services may have; beyond it the oldest are served (default: 0, what fits into the memory there is)',
    },
    {
      name: 'protect-addresses',
      value: 'MODE',
      text: 'external and load balancer IPs that are the API server’s, a pod’s, a Service’s or (enforce) this node’s: off, warn (the default: served, and told) or enforce (not served)',
      completes: { words: ['off', 'warn', 'enforce'] },
    },
    {
      name: 'max-affinity-endpoints',
      value: 'NUMBER',
      text: 'of one Service with session affinity; beyond it a client’s address chooses its endpoint (default: 256)',
    },
    {
      name: 'skip-unreachable-nodes',
      text: 'use endpoints on nodes that are not Ready only where there are no others; watches all Nodes (default: false)',
    },
    {
      name: 'read-cilium-annotations',
      text: 'let annotations of Cilium count where a Service has none of ours of the same meaning (default: false)',
    },
    {
      name: 'no-watch',
      text: 'do not compare the rules in the kernel with what they should be while running (default: false)',
    },
    {
      name: 'watch-others',
      text: 'have nft monitor tell who changes our rules; without it only what is done again is looked into (default: false)',
    },
    {
      name: 'heartbeat',
      text: 'send a packet through the rules twice a second, which shows that they are there (default: true)',
    },
    {
      name: 'page',
      text: 'a page for people at the metrics address, /page, for programs of this machine only (default: true)',
    },
    {
      name: 'page-address',
      value: 'ADDRESS',
      text: 'serve that page here, too, to whoever can connect; it asks for no password. Without a port 10247',
    },
    {
      name: 'connection-counters',
      text: 'have the kernel count the new connections to each Service: top, get -o wide (default: true)',
    },
    {
      name: 'connection-metrics',
      value: 'NUMBER',
      text: 'of how many ports of Services, the busiest, /metrics has new connections; the rest is one sum (default: 0, none)',
    },
    {
      name: 'reset-gone-endpoints',
      text: 'end TCP connections to endpoints that are gone: clients get a reset instead of waiting (default: false)',
    },
    {
      name: 'source-ranges-on-node-ports',
      text: 'let loadBalancerSourceRanges of a Service hold for its node ports, too (default: false)',
    },
    {
      name: 'node-port-source-ranges',
      value: 'CIDRS',
      text: 'networks that may connect to node ports, besides this node; without it everybody may',
    },
    { name: 'beside-kube-proxy', text: 'start though a kube-proxy runs here, too' },
  ],
};

const OF_COMMANDS: FlagSection = {
  title: 'Flags of commands',
  note: 'help COMMAND has those of each',
  isListed: true,
  flags: [
    {
      name: 'output',
      value: 'FORMAT',
      text: 'how to print: json or yaml, for programs; of get also table, wide or name, of dump nft, a script that nft -f loads',
      completes: { words: OUTPUTS },
    },
    { name: 'namespace', value: 'NAME', text: 'namespace of the Services that are shown; without it all (get, top)' },
    { name: 'all-namespaces', text: 'all namespaces, whatever else is said (get, top)' },
    { name: 'no-headers', text: 'without the heading of the table (get, top)' },
    { name: 'all', text: 'what is empty, too, heartbeats and what counts, so that it is what the kernel holds (dump)' },
    {
      name: 'filename',
      value: 'PATH',
      text: 'a file or folder of manifests to compare the node with (diff)',
      completes: 'file',
    },
    { name: 'once', text: 'print one table, and end (top)' },
    { name: 'brief', text: 'one line (status)' },
    { name: 'dry-run', text: 'print what would be written, have nft check it, and change nothing (run)' },
    { name: 'wait', value: 'DURATION', text: 'wait for the rules to be in sync, at most so long (status)' },
    { name: 'watch', text: 'go on, and print what changes as it does (get, status)' },
    {
      name: 'from',
      value: 'CLIENT',
      text: "who connects: a pod's address (10.32.0.5, 10.32.0.5%veth7), node, outside, or an interface; without it the node (trace)",
    },
    { name: 'rules', text: 'also print the rules that packets meet (trace)' },
    { name: 'live', text: 'compare what is on the way with the kernel (trace)' },
    { name: 'apply', text: 'remove what kube-proxy has left (migrate)' },
    { name: 'back', text: 'remove our tables, once kube-proxy serves again (migrate)' },
    { name: 'list', text: 'say what would be in the archive, and write none (support)' },
    { name: 'yes', text: 'write the archive without a question (support)' },
    { name: 'version', text: 'print version, commit and Node.js version' },
    { name: 'help', text: 'print help; with a command, on that' },
  ],
};

const THAT_ARE_COMMANDS: FlagSection = {
  title: 'Flags that are a command',
  isListed: false,
  flags: [
    { name: 'dump', text: 'print the ruleset of the running daemon' },
    {
      name: 'trace',
      value: 'TARGET',
      text: 'what becomes of connections to a Service or an address, and why',
    },
    { name: 'init-only', text: 'set sysctls and look for nft, and end' },
    { name: 'cleanup', text: 'remove our tables, and nothing else' },
    {
      name: 'write-config-to',
      value: 'FILE',
      text: 'write the configuration that the flags or --config lead to, and end',
      completes: 'file',
    },
  ],
};

/** Every flag, once, in the order they are shown in. */
export const FLAG_SECTIONS: readonly FlagSection[] = [
  OF_COMMANDS,
  SOURCE,
  CONFIGURATION,
  KUBE_PROXY,
  OURS,
  THAT_ARE_COMMANDS,
  OTHERS,
];

/** The sections without the flags that `isWanted` refuses, and without those that are empty then. */
export function sectionsWith(isWanted: (flag: FlagHelp) => boolean): readonly FlagSection[] {
  return FLAG_SECTIONS.map((section) => ({
    ...section,
    flags: section.flags.filter(isWanted),
  })).filter(({ flags }) => flags.length > 0);
}

/** As it is typed: "-o, --output FORMAT", "--brief", "-v N". */
export function headingOf({ name, value }: FlagHelp): string {
  const names = spellings(name).filter((spelling) => spelling !== '--v');
  return [names.join(', '), ...(value === undefined ? [] : [value])].join(' ');
}

/** With dashes, the short form first: "-o" and "--output". */
export function spellings(name: string): readonly string[] {
  const short = FLAGS.get(name)?.short;
  return [...(short === undefined ? [] : [`-${short}`]), `--${name}`];
}

/** A few words about a flag. */
export function briefly({ text }: Pick<FlagHelp, 'text'>): string {
  return text.replace(/(?:[;:.]| \().*$/s, '');
}
