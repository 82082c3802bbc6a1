import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf, ProxyError } from '../errors.ts';
import { type BindAddress, parseBindAddress } from '../health/bind-address.ts';
import { type Family, parseCidr } from '../ip.ts';

/** What the command line asks for. */
export interface Arguments {
  readonly command: 'run' | 'dump' | 'trace' | 'cleanup' | 'version' | 'help';
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
  /** Where the health and metrics servers listen; undefined: they do not. */
  readonly healthzBindAddress: BindAddress | undefined;
  readonly metricsBindAddress: BindAddress | undefined;
  /** --bind-address-hard-fail: an address that cannot be listened on ends the start. */
  readonly bindAddressHardFail: boolean;
  readonly runDir: string;
  readonly output: 'nft' | 'json';
  /** --trace and --from: a connection to follow. */
  readonly trace: { readonly to: string; readonly from: string | undefined } | undefined;
  readonly verbosity: number;
}

/** KubeProxyConfiguration's detectLocalMode; `pattern` is an interface name as nft matches it ("veth*"). */
export type DetectLocal =
  | { readonly mode: 'ClusterCIDR' }
  | { readonly mode: 'NodeCIDR' }
  | { readonly mode: 'BridgeInterface' | 'InterfaceNamePrefix'; readonly pattern: string };

/** The ports of addresses that are given without one, as in kube-proxy. */
const HEALTHZ_PORT = 10256;
const METRICS_PORT = 10249;

const NODE_PORT_WORDS: readonly string[] = ['primary', 'all', 'localhost'];

const DEFAULT_RUN_DIR = '/run/kube-proxy-nft';

const OPTIONS = {
  kubeconfig: { type: 'string' },
  master: { type: 'string' },
  manifests: { type: 'string' },
  'hostname-override': { type: 'string' },
  'cluster-cidr': { type: 'string' },
  'masquerade-all': { type: 'boolean' },
  'detect-local-mode': { type: 'string' },
  'pod-bridge-interface': { type: 'string' },
  'pod-interface-name-prefix': { type: 'string' },
  'nodeport-addresses': { type: 'string' },
  'healthz-bind-address': { type: 'string' },
  'metrics-bind-address': { type: 'string' },
  'bind-address-hard-fail': { type: 'boolean' },
  'run-dir': { type: 'string' },
  output: { type: 'string', short: 'o' },
  v: { type: 'string', short: 'v' },
  dump: { type: 'boolean' },
  trace: { type: 'string' },
  from: { type: 'string' },
  cleanup: { type: 'boolean' },
  version: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/**
 * Reads the command line (without node and script).
 * @throws ProxyError E_USAGE
 */
export function parseArguments(argv: readonly string[]): Arguments {
  const values = parse(argv);
  const commands = (['help', 'version', 'dump', 'trace', 'cleanup'] as const).filter((command) => values[command]);
  const [first, second] = commands.filter((command) => command !== 'help' && command !== 'version');
  if (second !== undefined) throw usage(`--${first} and --${second} cannot be given together`);
  if (values.from !== undefined && values.trace === undefined) throw usage('--from needs --trace');
  if (values.kubeconfig !== undefined && values.manifests !== undefined) {
    throw usage('--kubeconfig and --manifests cannot be given together: choose one source');
  }
  return {
    command: commands[0] ?? 'run',
    kubeconfig: values.kubeconfig,
    master: values.master,
    manifests: values.manifests,
    nodeName: (values['hostname-override']?.trim() || hostname()).toLowerCase(),
    podCidrs: podCidrs(values['cluster-cidr'] ?? ''),
    masqueradeAll: values['masquerade-all'] ?? false,
    detectLocal: detectLocal(values),
    nodePortAddresses: nodePortAddresses(values['nodeport-addresses'] ?? 'primary'),
    healthzBindAddress: parseBindAddress(values['healthz-bind-address'] ?? '0.0.0.0', HEALTHZ_PORT),
    metricsBindAddress: parseBindAddress(values['metrics-bind-address'] ?? '127.0.0.1', METRICS_PORT),
    bindAddressHardFail: values['bind-address-hard-fail'] ?? false,
    runDir: resolve(values['run-dir'] ?? DEFAULT_RUN_DIR),
    trace: values.trace === undefined ? undefined : { to: values.trace, from: values.from },
    output: outputFormat(values.output ?? 'nft'),
    verbosity: verbosity(values.v ?? '0'),
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: argv.flatMap(goStyle), options: OPTIONS, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const flag = /Unknown option '([^']+)'/.exec(messageOf(error))?.[1];
    const positional = /Unexpected argument '([^']*)'/.exec(messageOf(error))?.[1];
    if (flag !== undefined) throw usage(`unknown flag ${flag}`);
    if (positional !== undefined) throw usage(`unexpected argument ${JSON.stringify(positional)}`);
    throw usage(messageOf(error).split(/\.\s/)[0] ?? '');
  }
}

/** kube-proxy's users write booleans as --flag=true and the verbosity as -v=2, which parseArgs does not know. */
function goStyle(argument: string): readonly string[] {
  const [, flag, value] = /^--([a-z-]+)=(1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$/.exec(argument) ?? [];
  if (flag !== undefined && OPTIONS[flag as keyof typeof OPTIONS]?.type === 'boolean') {
    return /^[1tT]/.test(value ?? '') ? [`--${flag}`] : [];
  }
  return [argument.replace(/^-v=/, '-v').replace(/^-o=/, '-o')];
}

function podCidrs(text: string): ReadonlyMap<Family, string> {
  const cidrs = new Map<Family, string>();
  for (const part of text.split(',').filter((item) => item.trim() !== '')) {
    const cidr = parseCidr(part);
    if (cidr === undefined) throw usage(`--cluster-cidr: ${JSON.stringify(part)} is no CIDR such as 10.244.0.0/16`);
    // As kube-proxy does: the first of each family counts.
    if (!cidrs.has(cidr.family)) cidrs.set(cidr.family, `${cidr.address}/${cidr.prefix}`);
  }
  return cidrs;
}

function detectLocal(values: ReturnType<typeof parse>): DetectLocal {
  const mode = values['detect-local-mode'] ?? 'ClusterCIDR';
  if (mode === 'ClusterCIDR' || mode === 'NodeCIDR') return { mode };
  if (mode !== 'BridgeInterface' && mode !== 'InterfaceNamePrefix') {
    throw usage(
      `--detect-local-mode ${JSON.stringify(mode)}: ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix is expected`,
    );
  }
  const flag = mode === 'BridgeInterface' ? 'pod-bridge-interface' : 'pod-interface-name-prefix';
  const name = values[flag] ?? '';
  // As the kernel allows them (15 characters), less what would be a pattern or end the text in an nft document.
  if (!/^[^\s/"*\\]{1,15}$/.test(name)) throw usage(`--detect-local-mode ${mode} needs --${flag}, an interface name`);
  return { mode, pattern: mode === 'BridgeInterface' ? name : `${name}*` };
}

function nodePortAddresses(text: string): readonly string[] {
  const items = text.split(',').map((item) => item.trim());
  for (const item of items) {
    if (NODE_PORT_WORDS.includes(item) || parseCidr(item) !== undefined) continue;
    throw usage(`--nodeport-addresses: ${JSON.stringify(item)} is no CIDR, and none of ${NODE_PORT_WORDS.join(', ')}`);
  }
  return items;
}

function outputFormat(text: string): 'nft' | 'json' {
  if (text !== 'nft' && text !== 'json') throw usage(`-o ${JSON.stringify(text)}: nft or json is expected`);
  return text;
}

function verbosity(text: string): number {
  if (!/^\d{1,2}$/.test(text)) throw usage(`-v ${JSON.stringify(text)}: a number is expected`);
  return Number(text);
}

function usage(problem: string): ProxyError {
  return new ProxyError('E_USAGE', `${problem}; see kube-proxy-nft --help`);
}
