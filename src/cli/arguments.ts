import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { milliseconds, type Resolved, resolveConfiguration } from '../config/configuration.ts';
import { parseDuration } from '../config/duration.ts';
import { isEnabled } from '../config/feature-gates.ts';
import { bindAddress, integer } from '../config/field-types.ts';
import { type Configuration, FIELDS, type Field, type FieldPath, type GivenFields } from '../config/fields.ts';
import { FLAGS } from '../config/flags.ts';
import type { ConfigurationFile } from '../config/read.ts';
import { ProxyError } from '../errors.ts';
import { type BindAddress, parseBindAddress } from '../health/bind-address.ts';
import { type Family, formatCidr, parseCidr } from '../ip.ts';
import type { LogFormat } from '../log-line.ts';
import type { Protection } from '../service/reserved-addresses.ts';
import { isOn, readCommandLine } from './command-line.ts';
import { flagValuesOf } from './flag-values.ts';

/** What the command line asks for, with the configuration file if there is one. */
export interface Arguments {
  readonly command:
    | (typeof COMMANDS)[number]
    | 'write-config'
    | 'config-validate'
    | 'migrate'
    | 'status'
    | 'get'
    | 'run';
  /** Of `migrate`: what it is to do. */
  readonly migration: 'plan' | 'apply' | 'back';
  /** --beside-kube-proxy: a daemon starts although a kube-proxy works in its network namespace. */
  readonly besideKubeProxy: boolean;
  /** --config, or the file of `config validate`. */
  readonly config: string | undefined;
  /** --write-config-to. */
  readonly writeConfigTo: string | undefined;
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
  /** --no-watch: what is in the kernel is not compared with the model while the daemon runs. */
  readonly noWatch: boolean;
  /** --watch-others: who changes our tables is looked for from the start. */
  readonly watchOthers: boolean;
  /** --heartbeat: whether packets of our own show that the rules are there. */
  readonly heartbeat: boolean;
  readonly runDir: string;
  /** --state-dir: where the last known state is kept; empty with --no-state; undefined: where the environment says. */
  readonly stateDir: string | undefined;
  /** Milliseconds at which a saved state is too old to be served from; 0: none is kept. */
  readonly stateMaxAge: number;
  readonly output: 'nft' | 'json';
  /** Of `get services`: empty for all namespaces or names. */
  readonly get: {
    readonly namespace: string;
    readonly name: string;
    readonly isWide: boolean;
    readonly headings: boolean;
  };
  /** Of `status`; `wait`: milliseconds that it waits for the rules to be in sync. */
  readonly status: { readonly brief: boolean; readonly wait: number };
  /** --trace and --from: a connection to follow. */
  readonly trace: { readonly to: string; readonly from: string | undefined } | undefined;
  readonly verbosity: number;
  /** --logging-format. */
  readonly logFormat: LogFormat;
  /** All of it, as a KubeProxyConfiguration. */
  readonly configuration: Configuration;
  /** What of it the file sets. */
  readonly fileFields: GivenFields;
  /** Every flag and its value, also where the file counts instead. */
  readonly flagValues: ReadonlyMap<string, string>;
  /** To be logged at a start: what is ignored, and what has no effect here. */
  readonly notes: readonly string[];
}

/** KubeProxyConfiguration's detectLocalMode; `pattern` is an interface name as nft matches it ("veth*"). */
export type DetectLocal =
  | { readonly mode: 'ClusterCIDR' }
  | { readonly mode: 'NodeCIDR' }
  | { readonly mode: 'BridgeInterface' | 'InterfaceNamePrefix'; readonly pattern: string };

/** Commands that are a flag. */
const COMMANDS = ['help', 'version', 'dump', 'trace', 'cleanup', 'init-only'] as const;

/** The ports of addresses that are given without one, as in kube-proxy. */
const HEALTHZ_PORT = 10256;
const METRICS_PORT = 10249;

const DEFAULT_RUN_DIR = '/run/kube-proxy-nft';

/**
 * Reads the command line (without node and script). With `--config` it is to be read twice: for the path, and then with
 * what the `file` says (usesConfigurationFile).
 * @throws ProxyError E_USAGE, with every problem there is
 */
export function parseArguments(argv: readonly string[], file?: ConfigurationFile): Arguments {
  const { values, positionals, problems } = readCommandLine(argv);
  const [command, config] = commandOf(values, positionals, problems);
  const ignored: string[] = [];
  const given = fieldsOf(values, config !== undefined, ignored, problems);
  const fromFlags = resolveConfiguration(given, 'flags');
  const { configuration } = file === undefined ? fromFlags : resolveConfiguration({ ...file.given, ...given }, 'file');
  if (config === undefined)
    problems.push(...fromFlags.problems.map(({ field, text }) => `--${flagOf(field)}: ${text}`));
  const output = values.get('output')?.at(-1) ?? 'nft';
  const outputs = OUTPUTS[command] ?? ['nft', 'json'];
  if (values.has('output') && !outputs.includes(output)) {
    problems.push(`-o ${JSON.stringify(output)}: ${outputs.join(' or ')} is expected`);
  }
  const wait = parseDuration(values.get('wait')?.at(-1) ?? '0');
  if (wait === undefined || wait < 0) problems.push('--wait: a duration such as 30s is expected');
  if (problems.length > 0) throw new ProxyError('E_USAGE', `${problems.join('; ')}; see kube-proxy-nft --help`);

  const one = (name: string) => values.get(name)?.at(-1);
  const to = one('trace');
  const stateDir = one('state-dir');
  return {
    command,
    config,
    writeConfigTo: one('write-config-to'),
    kubeconfig: configuration['clientConnection.kubeconfig'] || undefined,
    master: one('master'),
    manifests: one('manifests'),
    nodeName: (configuration.hostnameOverride.trim() || hostname()).toLowerCase(),
    podCidrs: podCidrs(configuration.clusterCIDR),
    masqueradeAll: configuration['nftables.masqueradeAll'],
    detectLocal: detectLocal(configuration),
    nodePortAddresses: configuration.nodePortAddresses,
    bindAddress: /^(0\.0\.0\.0|::)$/.test(configuration.bindAddress) ? undefined : configuration.bindAddress,
    allowExternalIps: isEnabled('AllowServiceExternalIPs', configuration.featureGates),
    healthzBindAddress: parseBindAddress(configuration.healthzBindAddress, HEALTHZ_PORT),
    metricsBindAddress: parseBindAddress(configuration.metricsBindAddress, METRICS_PORT),
    zpages: {
      statusz: isEnabled('ComponentStatusz', configuration.featureGates),
      flagz: isEnabled('ComponentFlagz', configuration.featureGates),
    },
    bindAddressHardFail: configuration.bindAddressHardFail,
    syncPeriod: milliseconds(configuration['nftables.syncPeriod']),
    transactionInterval: milliseconds(configuration['kubeProxyNft.transactionInterval']),
    maxElementsPerService: configuration['kubeProxyNft.maxElementsPerService'],
    maxElements: configuration['kubeProxyNft.maxElements'],
    protectAddresses: configuration['kubeProxyNft.protectAddresses'],
    maxAffinityEndpoints: configuration['kubeProxyNft.maxAffinityEndpoints'],
    noWatch: configuration['kubeProxyNft.noWatch'],
    watchOthers: configuration['kubeProxyNft.watchOthers'],
    heartbeat: configuration['kubeProxyNft.heartbeat'],
    runDir: resolve(one('run-dir') ?? DEFAULT_RUN_DIR),
    stateDir: isOn(values, 'no-state') ? '' : stateDir === undefined ? undefined : resolve(stateDir),
    stateMaxAge: milliseconds(configuration['kubeProxyNft.stateMaxAge']),
    trace: to === undefined ? undefined : { to, from: one('from') },
    output: output === 'json' ? 'json' : 'nft',
    get: getOf(values, positionals),
    status: { brief: isOn(values, 'brief'), wait: wait ?? 0 },
    migration: isOn(values, 'apply') ? 'apply' : isOn(values, 'back') ? 'back' : 'plan',
    besideKubeProxy: isOn(values, 'beside-kube-proxy'),
    verbosity: configuration['logging.verbosity'],
    logFormat: configuration['logging.format'] || 'text',
    configuration,
    fileFields: file?.given ?? {},
    flagValues: flagValuesOf(values, {
      'run-dir': DEFAULT_RUN_DIR,
      output: 'nft',
      'healthz-port': `${HEALTHZ_PORT}`,
      'metrics-port': `${METRICS_PORT}`,
    }),
    notes: [...(file?.unknown ?? []), ...notesOn(fromFlags, ignored), ...(file?.notes ?? [])],
  };
}

/** True if the command line is to be read again with the file that --config names. */
export function usesConfigurationFile({ command, config }: Arguments): boolean {
  return config !== undefined && !['help', 'version', 'cleanup', 'config-validate', 'status'].includes(command);
}

/** What -o may say, where that is not what dumps have. */
const OUTPUTS: Partial<Record<Arguments['command'], readonly string[]>> = { status: ['json'], get: ['wide', 'json'] };

/** What `get` knows: kubectl's names of it. */
const SERVICES = ['services', 'service', 'svc'];

function getOf(values: Values, [, , operand = '']: readonly string[]): Arguments['get'] {
  const [first = '', second] = operand.split('/');
  return {
    namespace: second === undefined ? (values.get('namespace')?.at(-1) ?? '') : first,
    name: second ?? first,
    isWide: values.get('output')?.at(-1) === 'wide',
    headings: !isOn(values, 'no-headers'),
  };
}

type Values = ReadonlyMap<string, readonly string[]>;

/** The command, and the configuration file. */
function commandOf(
  values: Values,
  positionals: readonly string[],
  problems: string[],
): readonly [Arguments['command'], string | undefined] {
  const config = values.get('config')?.at(-1) || undefined;
  const [noun, verb, file, ...others] = positionals;
  if (noun === 'config' && verb === 'validate' && others.length === 0) {
    const path = file ?? config;
    if (path === undefined) problems.push('config validate: a file is needed, or --config');
    return ['config-validate', path];
  }
  const isMigrate = noun === 'migrate' && verb === undefined;
  for (const flag of ['apply', 'back']) if (isOn(values, flag) && !isMigrate) problems.push(`--${flag} needs migrate`);
  if (isOn(values, 'apply') && isOn(values, 'back')) problems.push('--apply and --back cannot be given together');
  const isStatus = noun === 'status' && verb === undefined;
  for (const flag of ['brief', 'wait']) if (values.has(flag) && !isStatus) problems.push(`--${flag} needs status`);
  if (isMigrate) return ['migrate', undefined];
  if (isStatus) return ['status', config];
  if (noun === 'get' && others.length === 0) {
    const what = verb === undefined ? 'what is missing' : `${JSON.stringify(verb)} is not known`;
    if (!SERVICES.includes(verb ?? '')) problems.push(`get: ${what}: services is expected`);
    return ['get', config];
  }
  for (const flag of ['namespace', 'no-headers']) if (values.has(flag)) problems.push(`--${flag} needs get`);
  // After an unknown flag it is probably its value.
  if (noun !== undefined && problems.length === 0) problems.push(`unexpected argument ${JSON.stringify(noun)}`);
  const commands = COMMANDS.filter((name) => isOn(values, name));
  const writes = values.get('write-config-to')?.at(-1) ? ['write-config-to'] : [];
  const asked: readonly string[] = [...commands, ...writes];
  const [first, second] = asked.filter((name) => name !== 'help' && name !== 'version');
  if (second !== undefined) problems.push(`--${first} and --${second} cannot be given together`);
  if (values.has('from') && !values.has('trace')) problems.push('--from needs --trace');
  if (values.has('kubeconfig') && values.has('manifests') && config === undefined) {
    problems.push('--kubeconfig and --manifests cannot be given together: choose one source');
  }
  return [commands[0] ?? (writes.length > 0 ? 'write-config' : 'run'), config];
}

/** The fields that the flags set. Those that do not count beside --config are added to `ignored` instead. */
function fieldsOf(values: Values, hasConfig: boolean, ignored: string[], problems: string[]): GivenFields {
  const given: Record<string, unknown> = {};
  for (const [name, texts] of values) {
    const flag = FLAGS.get(name);
    if (hasConfig && flag?.besideConfig === false) ignored.push(`--${name}`);
    else if (flag?.field !== undefined) {
      const { type, default: usual } = FIELDS[flag.field] as Field<unknown>;
      // As pflag does: lists and maps grow with each repetition, of others the last one counts.
      const text = typeof usual === 'object' ? texts.join() : (texts.at(-1) ?? '');
      const value = type.parse(type.fromText(text));
      if (value !== undefined && type.allows(value)) given[flag.field] = value;
      else problems.push(`--${name} ${JSON.stringify(text)}: ${type.expected} is expected`);
    }
  }
  if (hasConfig) return given;
  applyPort(given, values, 'healthz-port', 'healthzBindAddress', problems);
  applyPort(given, values, 'metrics-port', 'metricsBindAddress', problems);
  return given;
}

/** kube-proxy's deprecated --healthz-port and --metrics-port: 0 switches off, others are for addresses without a port. */
function applyPort(
  given: Record<string, unknown>,
  values: Values,
  name: string,
  field: 'healthzBindAddress' | 'metricsBindAddress',
  problems: string[],
): void {
  const text = values.get(name)?.at(-1);
  if (text === undefined) return;
  const type = integer(0, 65535);
  const port = type.parse(type.fromText(text));
  if (port === undefined || !type.allows(port)) {
    problems.push(`--${name} ${JSON.stringify(text)}: ${type.expected} is expected`);
    return;
  }
  const host = values.get(flagOf(field))?.at(-1) ?? FIELDS[field].default.replace(/:\d+$/, '');
  given[field] = port === 0 ? '' : bindAddress(port).parse(host);
}

function notesOn({ notes }: Resolved, ignored: readonly string[]): readonly string[] {
  const flags = notes.map(({ field, text }) => `--${flagOf(field)}: ${text}`);
  return ignored.length === 0 ? flags : [`ignored beside --config: ${ignored.join(', ')}`, ...flags];
}

function flagOf(field: FieldPath): string {
  return (FIELDS[field] as Field<unknown>).flag ?? field;
}

function podCidrs(clusterCidr: string): ReadonlyMap<Family, string> {
  const cidrs = clusterCidr.split(',').flatMap((text) => parseCidr(text) ?? []);
  return new Map(cidrs.map((cidr) => [cidr.family, formatCidr(cidr)]));
}

function detectLocal(configuration: Configuration): DetectLocal {
  const mode = configuration.detectLocalMode;
  if (mode === 'BridgeInterface') return { mode, pattern: configuration['detectLocal.bridgeInterface'] };
  if (mode === 'InterfaceNamePrefix') return { mode, pattern: `${configuration['detectLocal.interfaceNamePrefix']}*` };
  return { mode: mode === 'NodeCIDR' ? mode : 'ClusterCIDR' };
}
