import { existsSync } from 'node:fs';
import { release } from 'node:os';
import process from 'node:process';
import { checkApiServer } from '../check/api-server.ts';
import { checkDaemon } from '../check/daemon.ts';
import { countOf, type Finding, problem, unknown } from '../check/finding.ts';
import { checkConntrack, checkKernel } from '../check/kernel.ts';
import { checkKubeProxy } from '../check/kube-proxy.ts';
import { checkMemory } from '../check/memory.ts';
import { checkNft } from '../check/nft.ts';
import { checkNode, checkPodNetwork, type NodeNetworks, readNode } from '../check/node-networks.ts';
import { checkOtherTables } from '../check/other-tables.ts';
import { checkPorts } from '../check/ports.ts';
import { findingsJson, findingsText } from '../check/print-findings.ts';
import { type Check, type CheckResults, runChecks } from '../check/run-checks.ts';
import { checkSysctls } from '../check/sysctls.ts';
import type { Arguments } from '../config/arguments.ts';
import { createModels } from '../daemon/models.ts';
import { ownAddresses } from '../daemon/node-addresses.ts';
import { namesSource } from '../daemon/open-source.ts';
import { ProxyError } from '../errors.ts';
import { kernelFamilies, servedFamilies } from '../host/families.ts';
import { interfacesByName, isBridge } from '../host/interfaces.ts';
import { listenersOnPorts } from '../host/listeners.ts';
import { availableMemory, readMemory } from '../host/memory.ts';
import { environment } from '../host/process.ts';
import { readSysctl } from '../host/sysctl.ts';
import { canonicalAddress, type Family, familyOf } from '../ip.ts';
import { createLog, type Log } from '../log.ts';
import { findKubeProxy } from '../migration/find.ts';
import { createNft } from '../nft/nft.ts';
import { NftError } from '../nft/run.ts';
import { Cluster } from '../service/cluster.ts';
import { loadConnection } from '../source/api/connection.ts';
import type { Status } from '../status/status.ts';
import { VERSION } from '../version.ts';
import { print } from './print.ts';
import { isForPrograms, printData } from './print-data.ts';
import { statusOfDaemon } from './status.ts';

/** Seconds: for checks that use nft, and for checks that use an API server or the tools of iptables. */
const LOCAL = 15;
const FAR = 30;

/** `check`: reports what this node lacks or what would conflict. Sets the exit code to 1 if there is a problem. */
export async function check(args: Arguments, _log: Log): Promise<void> {
  const { findings, isLate } = await findAll(args);
  process.exitCode = countOf(findings, 'problem') > 0 ? 1 : 0;
  if (isForPrograms(args.output)) await printData(findingsJson(args.nodeName, VERSION, findings), args.output);
  else print(findingsText(args.nodeName, findings));
  // Checks that are still running only read, so they need not be awaited.
  if (isLate) process.stdout.write('', () => process.exit());
}

/** All findings, in the order of the output. Never rejects, and takes at most half a minute. */
export async function findAll(args: Arguments): Promise<CheckResults> {
  // The findings contain what a daemon would log.
  const log = createLog(0, () => undefined);
  const families = servedFamilies(log);
  const nft = createNft(args.runDir, 'check', undefined, undefined, LOCAL);
  const programs = () => createModels(new Cluster(args.nodeName), families, args, log).map(({ program }) => program);
  const networks = networksHere(args);
  const local = (topic: string, run: Check['run']): Check => ({ topic, limit: LOCAL, run });
  const daemon = statusOfDaemon(args.runDir).catch(() => undefined);
  return runChecks([
    local('kube-proxy-nft', async () => [await daemonFinding(args.runDir)]),
    local('kernel', () => checkKernel(release(), programs())),
    local('nft', () => checkNft(nft, log)),
    local('conntrack', () =>
      checkConntrack(readSysctl('net.netfilter.nf_conntrack_max') !== undefined, hasTool('conntrack')),
    ),
    local('sysctls', () => checkSysctls(readSysctl, families, podBridges(networks))),
    local('other tables', () => checkOtherTables(nft)),
    { topic: 'kube-proxy', limit: FAR, run: () => kubeProxyFindings(args) },
    local('ports', async () => portFindings(args, await daemon)),
    { topic: 'API server', limit: FAR, run: (signal) => clusterFindings(args, networks, families, signal) },
  ]);
}

async function daemonFinding(runDir: string): Promise<Finding> {
  try {
    return checkDaemon(await statusOfDaemon(runDir), VERSION);
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    return unknown('kube-proxy-nft', error.message, 'run it as root');
  }
}

async function kubeProxyFindings({ runDir, besideKubeProxy }: Arguments): Promise<readonly Finding[]> {
  const nft = createNft(runDir, 'check', undefined, undefined, LOCAL);
  try {
    return checkKubeProxy(await findKubeProxy(nft, kernelFamilies()), besideKubeProxy);
  } catch (error) {
    if (!(error instanceof NftError)) throw error;
    const what = error.failure === 'not-permitted' ? 'its rules cannot be listed without CAP_NET_ADMIN' : error.message;
    return [unknown('kube-proxy', what, 'run it as root, where nft works')];
  }
}

function portFindings(args: Arguments, daemon: Status | undefined): readonly Finding[] {
  const wanted = [
    { what: 'health', flag: 'healthz-bind-address', address: args.healthzBindAddress },
    { what: 'metrics', flag: 'metrics-bind-address', address: args.metricsBindAddress },
  ];
  const ports = wanted.flatMap(({ address }) => address?.port ?? []);
  const own = new Set([...ownAddresses('ip'), ...ownAddresses('ip6')]);
  return checkPorts(wanted, {
    listeners: listenersOnPorts(ports),
    own,
    daemonPid: daemon?.pid,
    isRoot: process.geteuid?.() === 0,
  });
}

/** The findings about the cluster, from an API server if the flags or the environment name one. */
async function clusterFindings(
  args: Arguments,
  networks: NodeNetworks,
  families: readonly Family[],
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { kubeconfig, master, manifests, nodeName } = args;
  const size = { families: families.length, ...memoryHere() };
  const unsized = checkMemory({ services: undefined, endpoints: undefined, ...size });
  if (manifests !== undefined || !namesSource(args, process.env)) {
    const why = manifests === undefined ? 'no source is given' : 'Services come from manifests';
    const remedy = manifests === undefined ? { remedy: 'pass the flags of the daemon: --kubeconfig or --config' } : {};
    return [{ ...unknown('API server', why), ...remedy }, ...checkPodNetwork(undefined, networks), unsized];
  }
  let connection: ReturnType<typeof loadConnection>;
  try {
    connection = loadConnection({ kubeconfig, master, environment: process.env });
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    const [what = '', ...advice] = error.message.split('; ');
    return [problem('API server', what, advice.join('; ') || 'correct it'), unsized];
  }
  try {
    const { findings, access } = await checkApiServer(connection, nodeName, signal, {
      otherNodes: args.skipUnreachableNodes,
    });
    if (access === undefined) return [...findings, ...checkPodNetwork(undefined, networks), unsized];
    const node = readNode(access.node);
    const isRefused = access.refusals.some(({ resource, verb }) => resource === 'nodes' && verb === 'list');
    return [
      ...findings,
      ...(isRefused ? [unknown('Node', 'no permission to list Nodes')] : checkNode(node, networks)),
      ...checkPodNetwork(node, networks),
      checkMemory({ services: access.services, endpoints: access.endpoints, ...size }),
    ];
  } finally {
    connection.close();
  }
}

function memoryHere(): { readonly available: number; readonly isOwn: boolean } {
  const { available, isOwn } = readMemory();
  return isOwn ? { available, isOwn } : { available: availableMemory(), isOwn };
}

function networksHere({ nodeName, detectLocal, podCidrs }: Arguments): NodeNetworks {
  const interfaces = interfacesByName();
  return {
    nodeName,
    mode: detectLocal.mode,
    ...('pattern' in detectLocal && { pattern: detectLocal.pattern }),
    podCidrs: [...podCidrs.values()],
    addresses: [...interfaces].flatMap(([name, entries]) =>
      entries
        .filter(({ address, internal }) => !internal && familyOf(address) !== undefined)
        .map(({ address }) => ({ interface: name, address: canonicalAddress(address) })),
    ),
    interfaces: [...interfaces.keys()],
  };
}

/** The bridges to which CNI plugins connect pods. */
function podBridges({ mode, pattern, interfaces }: NodeNetworks): readonly string[] {
  const isOfPods = (name: string) =>
    /^(?:cni\d+|cbr\d+|kube-bridge)$/.test(name) || (mode === 'BridgeInterface' && name === pattern);
  return interfaces.filter((name) => isOfPods(name) && isBridge(name));
}

function hasTool(name: string): boolean {
  return (environment()['PATH'] ?? '').split(':').some((folder) => existsSync(`${folder}/${name}`));
}
