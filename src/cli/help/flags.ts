import { FLAGS } from '../../config/flags.ts';
import { OUTPUTS } from '../../config/output.ts';
import type { FlagHelp, FlagSection } from './flag-help.ts';
import { OTHERS } from './other-flags.ts';

const SOURCE: FlagSection = {
  title: 'Source of Services and EndpointSlices (default in a pod: its service account)',
  isListed: true,
  flags: [
    {
      name: 'kubeconfig',
      value: 'FILE',
      text: 'watch the API server that this kubeconfig names',
      completes: 'file',
    },
    {
      name: 'master',
      value: 'URL',
      text: "the API server's address; overrides the one in the kubeconfig or in the pod's environment",
    },
    {
      name: 'manifests',
      value: 'PATH',
      text: 'a YAML or JSON file, or a folder of them, watched for changes; needs no cluster',
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
      text: 'a KubeProxyConfiguration, as kubeadm writes it. With it, most of the flags below are ignored; the logging flags and --hostname-override still apply. If the file changes, the daemon exits so that it is restarted',
      completes: 'file',
    },
  ],
};

const KUBE_PROXY: FlagSection = {
  title: 'Flags of kube-proxy',
  note: 'Others are accepted too; see docs/configuration.md',
  isListed: true,
  flags: [
    {
      name: 'cluster-cidr',
      value: 'CIDRS',
      text: "the pods' network; for dual-stack, one for each family, separated by a comma. Connections to a ClusterIP from other addresses get this node's address as their source",
    },
    {
      name: 'masquerade-all',
      text: "all connections to a ClusterIP get this node's address as their source",
    },
    {
      name: 'detect-local-mode',
      value: 'MODE',
      text: 'how to recognize connections from pods: by address with ClusterCIDR (default) or NodeCIDR, or by interface with BridgeInterface or InterfaceNamePrefix',
      completes: { words: ['ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix'] },
    },
    { name: 'pod-bridge-interface', value: 'NAME', text: 'the bridge for --detect-local-mode BridgeInterface' },
    {
      name: 'pod-interface-name-prefix',
      value: 'PREFIX',
      text: 'the prefix for --detect-local-mode InterfaceNamePrefix',
    },
    {
      name: 'nodeport-addresses',
      value: 'LIST',
      text: "the node's addresses that serve node ports: CIDRs, primary (default) or all; localhost adds TCP node ports on 127.0.0.1 and ::1",
      completes: { words: ['primary', 'all', 'localhost'], list: true },
    },
    {
      name: 'healthz-bind-address',
      value: 'ADDRESS',
      text: 'address of /healthz and /livez (default: 0.0.0.0:10256; empty: do not listen)',
    },
    {
      name: 'metrics-bind-address',
      value: 'ADDRESS',
      text: 'address of /metrics, /proxyMode and /configz (default: 127.0.0.1:10249; empty: do not listen)',
    },
    {
      name: 'bind-address-hard-fail',
      text: 'exit if listening on one of these two addresses fails, instead of trying again',
    },
    {
      name: 'bind-address',
      value: 'ADDRESS',
      text: "this node's primary address; overrides the one in its Node object",
    },
    {
      name: 'hostname-override',
      value: 'NAME',
      text: "the name of this node's Node object (default: the host name)",
    },
    {
      name: 'conntrack-max-per-core',
      value: 'N',
      text: 'flows that conntrack can track for each CPU (default: 32768; 0: leave as is)',
    },
    { name: 'conntrack-min', value: 'N', text: 'minimum number of flows that conntrack can track (default: 131072)' },
    {
      name: 'conntrack-tcp-timeout-established',
      value: 'DURATION',
      text: 'how long conntrack keeps an idle TCP connection (default: 24h; 0: leave as is)',
    },
    {
      name: 'conntrack-tcp-timeout-close-wait',
      value: 'DURATION',
      text: 'how long conntrack keeps a TCP connection in CLOSE_WAIT (default: 1h; 0: leave as is)',
    },
    {
      name: 'conntrack-udp-timeout',
      value: 'DURATION',
      text: 'how long conntrack keeps a UDP flow without replies (default: 0: leave as is)',
    },
    {
      name: 'conntrack-udp-timeout-stream',
      value: 'DURATION',
      text: 'how long conntrack keeps a UDP flow with replies (default: 0: leave as is)',
    },
    { name: 'conntrack-tcp-be-liberal', text: 'accept TCP packets outside the window as valid' },
    { name: 'oom-score-adj', value: 'N', text: "the process's OOM score adjustment (default: -999)" },
    {
      name: 'iptables-sync-period',
      value: 'DURATION',
      text: '/healthz reports a failure if a change waits twice this long (default: 30s)',
    },
    {
      name: 'feature-gates',
      value: 'GATES',
      text: 'AllowServiceExternalIPs=false ignores the externalIPs of Services (KEP-5707). ComponentStatusz=false and ComponentFlagz=false turn off /statusz and /flagz. Other gates have no effect',
    },
    { name: 'v', value: 'N', text: 'verbosity: 0 is quiet, 2 shows each transaction' },
    {
      name: 'logging-format',
      value: 'FORMAT',
      text: "log format: text (the default, klog's format) or json (one object per line, as in Kubernetes)",
      completes: { words: ['text', 'json'] },
    },
  ],
};

const OURS: FlagSection = {
  title: 'Flags of kube-proxy-nft',
  isListed: true,
  flags: [
    {
      name: 'run-dir',
      value: 'DIR',
      text: 'folder for the control socket and for nft input that failed (default: /run/kube-proxy-nft)',
      completes: 'folder',
    },
    {
      name: 'state-dir',
      value: 'DIR',
      text: 'folder for the last known state (default: $STATE_DIRECTORY, which systemd sets; if unset, no state is saved). After a reboot, the daemon serves from this state until it reaches the API server',
      completes: 'folder',
    },
    {
      name: 'state-max-age',
      value: 'DURATION',
      text: 'maximum age of a saved state to serve from (default: 24h; 0: do not save one)',
    },
    { name: 'no-state', text: 'do not save the state, and do not serve from one' },
    {
      name: 'transaction-interval',
      value: 'DURATION',
      text: 'minimum time between two transactions while changes keep coming (default: 80ms; 0: send each at once)',
    },
    {
      name: 'max-elements-per-service',
      value: 'NUMBER',
      text: 'elements that one Service may have in one IP family; beyond it, some endpoints are not used (default: 300000)',
    },
    {
      name: 'max-elements',
      value: 'NUMBER',
      text: 'elements that all Services may have together; beyond it, only the oldest are served (default: 0, as many as fit into memory)',
    },
    {
      name: 'protect-addresses',
      value: 'MODE',
      text: 'how to treat external and load balancer IPs that belong to the cluster: off, warn (the default: serve and report them) or enforce (do not serve them). These are addresses of the API server, of pods, of other Services and (with enforce) of this node',
      completes: { words: ['off', 'warn', 'enforce'] },
    },
    {
      name: 'max-affinity-endpoints',
      value: 'NUMBER',
      text: 'endpoints for which a Service with session affinity keeps lists of clients; beyond it, a hash of the client’s address selects the endpoint (default: 256)',
    },
    {
      name: 'skip-unreachable-nodes',
      text: 'use endpoints on nodes that are not Ready only if there are no others; watches all Nodes (default: false)',
    },
    {
      name: 'read-cilium-annotations',
      text: 'apply Cilium annotations to Services without an equivalent kube-proxy-nft annotation (default: false)',
    },
    {
      name: 'no-watch',
      text: 'do not compare the rules in the kernel with the intended ones while running (default: false)',
    },
    {
      name: 'watch-others',
      text: 'run nft monitor from the start to report who changes our rules; otherwise only repeated changes are investigated (default: false)',
    },
    {
      name: 'heartbeat',
      text: 'send a packet through the rules twice a second to verify that they are in place (default: true)',
    },
    {
      name: 'page',
      text: "serve the operator's page; at the metrics address, /page, only to programs on this machine (default: true)",
    },
    {
      name: 'page-address',
      value: 'ADDRESS',
      text: 'also serve the page at this address, to anyone who can connect; there is no password. Without a port: 10247',
    },
    {
      name: 'connection-counters',
      text: 'count the new connections to each Service in the kernel, for top and get -o wide (default: true)',
    },
    {
      name: 'connection-metrics',
      value: 'NUMBER',
      text: '/metrics has the new connections of this many Service ports, the busiest; the others are one sum (default: 0, none)',
    },
    {
      name: 'reset-gone-endpoints',
      text: 'end TCP connections to endpoints that no longer exist: clients get a reset instead of waiting (default: false)',
    },
    {
      name: 'source-ranges-on-node-ports',
      text: 'apply loadBalancerSourceRanges of a Service to its node ports too (default: false)',
    },
    {
      name: 'node-port-source-ranges',
      value: 'CIDRS',
      text: 'networks that may connect to node ports, in addition to this node; if unset, everyone may',
    },
    { name: 'beside-kube-proxy', text: 'start even if kube-proxy runs on this node' },
  ],
};

const OF_COMMANDS: FlagSection = {
  title: 'Flags of commands',
  note: 'See help COMMAND for those of one command',
  isListed: true,
  flags: [
    {
      name: 'output',
      value: 'FORMAT',
      text: 'output format: json or yaml, for programs; for get also table, wide or name; for dump also nft, a script for nft -f',
      completes: { words: OUTPUTS },
    },
    { name: 'namespace', value: 'NAME', text: 'show only Services in this namespace (default: all; get, top)' },
    { name: 'all-namespaces', text: 'show all namespaces; overrides --namespace (get, top)' },
    { name: 'no-headers', text: 'print the table without its heading (get, top)' },
    { name: 'all', text: 'include empty sets, heartbeats and counters: all that the kernel holds (dump)' },
    {
      name: 'filename',
      value: 'PATH',
      text: 'a file or folder of manifests to compare the node with (diff)',
      completes: 'file',
    },
    { name: 'once', text: 'print one table and exit (top)' },
    { name: 'brief', text: 'print only the first line (status)' },
    { name: 'dry-run', text: 'print what would be written and let nft check it, but change nothing (run)' },
    { name: 'wait', value: 'DURATION', text: 'wait until the rules are in sync, for at most this long (status)' },
    { name: 'watch', text: 'keep running, and print changes as they happen (get, status)' },
    {
      name: 'from',
      value: 'CLIENT',
      text: 'the client: an address (10.32.0.5, 10.32.0.5%veth7), node, outside, or an interface (default: node; trace)',
    },
    { name: 'rules', text: 'also print the rules that packets meet (trace)' },
    { name: 'live', text: 'compare the rules and elements on the way with the kernel (trace)' },
    { name: 'apply', text: 'remove what kube-proxy has left behind (migrate)' },
    { name: 'back', text: 'remove our tables once kube-proxy serves again (migrate)' },
    { name: 'list', text: 'list what the archive would contain, but do not write it (support)' },
    { name: 'yes', text: 'write the archive without confirmation (support)' },
    { name: 'version', text: 'print version, commit and Node.js version' },
    { name: 'help', text: 'print help, in general or for a command' },
  ],
};

const THAT_ARE_COMMANDS: FlagSection = {
  title: 'Flags that are commands',
  isListed: false,
  flags: [
    { name: 'dump', text: 'print the ruleset of the running daemon' },
    {
      name: 'trace',
      value: 'TARGET',
      text: 'show what happens to connections to a Service or an address, and why',
    },
    { name: 'init-only', text: 'set sysctls, check nft, and exit' },
    { name: 'cleanup', text: 'remove our tables, and nothing else' },
    {
      name: 'write-config-to',
      value: 'FILE',
      text: 'write the configuration that results from the flags or --config, and exit',
      completes: 'file',
    },
  ],
};

/** Every flag, once, in the order of the help text. */
export const FLAG_SECTIONS: readonly FlagSection[] = [
  OF_COMMANDS,
  SOURCE,
  CONFIGURATION,
  KUBE_PROXY,
  OURS,
  THAT_ARE_COMMANDS,
  OTHERS,
];

/** The sections with only the flags that `isWanted` accepts. Sections that become empty are left out. */
export function sectionsWith(isWanted: (flag: FlagHelp) => boolean): readonly FlagSection[] {
  return FLAG_SECTIONS.map((section) => ({
    ...section,
    flags: section.flags.filter(isWanted),
  })).filter(({ flags }) => flags.length > 0);
}

/** A flag as users type it: "-o, --output FORMAT", "--brief", "-v N". */
export function headingOf({ name, value }: FlagHelp): string {
  const names = spellings(name).filter((spelling) => spelling !== '--v');
  return [names.join(', '), ...(value === undefined ? [] : [value])].join(' ');
}

/** All spellings of a flag with dashes, the short form first: "-o" and "--output". */
export function spellings(name: string): readonly string[] {
  const short = FLAGS.get(name)?.short;
  return [...(short === undefined ? [] : [`-${short}`]), `--${name}`];
}

/** The first phrase of a flag's help text. */
export function briefly({ text }: Pick<FlagHelp, 'text'>): string {
  return text.replace(/(?:[;:.]| \().*$/s, '');
}
