import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Arguments, DetectLocal } from '../config/arguments.ts';
import { milliseconds, type Resolved, resolveConfiguration } from '../config/configuration.ts';
import { isEnabled } from '../config/feature-gates.ts';
import { bindAddress, integer } from '../config/field-types.ts';
import { type Configuration, FIELDS, type Field, type FieldPath, type GivenFields } from '../config/fields.ts';
import { FLAGS } from '../config/flags.ts';
import type { ConfigurationFile } from '../config/read.ts';
import { ProxyError } from '../errors.ts';
import { isTcpLoose } from '../host/tcp-loose.ts';
import { parseBindAddress } from '../http/bind-address.ts';
import { type Family, formatCidr, parseCidr } from '../ip.ts';
import { type CommandLine, isOn, readCommandLine } from './command-line.ts';
import { COMMANDS } from './commands.ts';
import { flagValuesOf } from './flag-values.ts';
import { requestedCommand } from './requested-command.ts';

/** The default ports of addresses without a port, as in kube-proxy. */
const HEALTHZ_PORT = 10256;
const METRICS_PORT = 10249;
const PAGE_PORT = 10247;

const DEFAULT_RUN_DIR = '/run/kube-proxy-nft';

/**
 * Parses the command line (without node and script). With `--config`, parse it twice: first for the path, then with the
 * contents of the `file` (see withConfigurationFile).
 * @throws ProxyError E_USAGE, with all problems
 */
export function parseArguments(argv: readonly string[], file?: ConfigurationFile): Arguments {
  const { values, positionals, problems } = readCommandLine(argv);
  const { command, operands } = requestedCommand({ values, positionals, problems }, COMMANDS);
  const config = values.get('config')?.at(-1) || undefined;
  const ignored: string[] = [];
  const given = fieldsOf(values, config !== undefined, ignored, problems);
  const fromFlags = resolveConfiguration(given, 'flags');
  const { configuration } = file === undefined ? fromFlags : resolveConfiguration({ ...file.given, ...given }, 'file');
  if (config === undefined)
    problems.push(...fromFlags.problems.map(({ field, text }) => `--${flagOf(field)}: ${text}`));
  if (values.has('kubeconfig') && values.has('manifests') && config === undefined) {
    problems.push('--kubeconfig and --manifests cannot be given together: choose one source');
  }
  if (problems.length > 0) throw new ProxyError('E_USAGE', `${problems.join('; ')}; see kube-proxy-nft --help`);

  const one = (name: string) => values.get(name)?.at(-1);
  const stateDir = one('state-dir');
  return {
    command: command.name,
    operands,
    config,
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
    readCiliumAnnotations: configuration['kubeProxyNft.readCiliumAnnotations'],
    maxAffinityEndpoints: configuration['kubeProxyNft.maxAffinityEndpoints'],
    skipUnreachableNodes: configuration['kubeProxyNft.skipUnreachableNodes'],
    noWatch: configuration['kubeProxyNft.noWatch'],
    watchOthers: configuration['kubeProxyNft.watchOthers'],
    heartbeat: configuration['kubeProxyNft.heartbeat'],
    page: configuration['kubeProxyNft.page'],
    pageAddress: parseBindAddress(configuration['kubeProxyNft.pageAddress'], PAGE_PORT),
    connectionCounters: configuration['kubeProxyNft.connectionCounters'],
    sourceRangesOnNodePorts: configuration['kubeProxyNft.sourceRangesOnNodePorts'],
    nodePortSourceRanges: configuration['kubeProxyNft.nodePortSourceRanges'],
    connectionMetrics: configuration['kubeProxyNft.connectionMetrics'],
    resetGoneEndpoints: configuration['kubeProxyNft.resetGoneEndpoints'],
    resetUnknown: configuration['kubeProxyNft.resetGoneEndpoints'] && !isTcpLoose(),
    resetsLackRules: !configuration['kubeProxyNft.resetGoneEndpoints'] && !isTcpLoose(),
    runDir: resolve(one('run-dir') ?? DEFAULT_RUN_DIR),
    stateDir: isOn(values, 'no-state') ? '' : stateDir === undefined ? undefined : resolve(stateDir),
    stateMaxAge: milliseconds(configuration['kubeProxyNft.stateMaxAge']),
    output: command.outputs?.find((output) => output === one('output')) ?? command.outputs?.[0],
    besideKubeProxy: isOn(values, 'beside-kube-proxy'),
    verbosity: configuration['logging.verbosity'],
    logFormat: configuration['logging.format'] || 'text',
    configuration,
    fileFields: file?.given ?? {},
    flagValues: flagValuesOf(values, {
      'run-dir': DEFAULT_RUN_DIR,
      'healthz-port': `${HEALTHZ_PORT}`,
      'metrics-port': `${METRICS_PORT}`,
    }),
    notes: [...(file?.unknown ?? []), ...notesOn(fromFlags, ignored), ...(file?.notes ?? [])],
  };
}

type Values = CommandLine['values'];

/** The fields that the flags set. Flags that --config overrides are added to `ignored` instead. */
function fieldsOf(values: Values, hasConfig: boolean, ignored: string[], problems: string[]): GivenFields {
  const given: Record<string, unknown> = {};
  for (const [name, texts] of values) {
    const flag = FLAGS.get(name);
    if (hasConfig && flag?.besideConfig === false) ignored.push(`--${name}`);
    else if (flag?.field !== undefined) {
      const { type, default: usual } = FIELDS[flag.field] as Field<unknown>;
      // As in pflag, repeated lists and maps accumulate, and for other flags the last value wins.
      const text = typeof usual === 'object' ? texts.join() : (texts.at(-1) ?? '');
      const value = type.parse(type.fromText(text));
      if (value !== undefined && type.allows(value)) given[flag.field] = value;
      else problems.push(`--${name} ${JSON.stringify(text)}: must be ${type.expected}`);
    }
  }
  if (hasConfig) return given;
  applyPort(given, values, 'healthz-port', 'healthzBindAddress', problems);
  applyPort(given, values, 'metrics-port', 'metricsBindAddress', problems);
  return given;
}

/**
 * kube-proxy's deprecated --healthz-port and --metrics-port: 0 turns the server off; others apply to addresses without one.
 */
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
    problems.push(`--${name} ${JSON.stringify(text)}: must be ${type.expected}`);
    return;
  }
  const host = values.get(flagOf(field))?.at(-1) ?? FIELDS[field].default.replace(/:\d+$/, '');
  given[field] = port === 0 ? '' : bindAddress(port).parse(host);
}

function notesOn({ notes }: Resolved, ignored: readonly string[]): readonly string[] {
  const flags = notes.map(({ field, text }) => `--${flagOf(field)}: ${text}`);
  return ignored.length === 0 ? flags : [`ignored because of --config: ${ignored.join(', ')}`, ...flags];
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
