import type { Arguments } from '../../../config/arguments.ts';
import { ProxyError } from '../../../errors.ts';
import { FAMILY_NAMES, isLoopback } from '../../../ip.ts';
import type { Service } from '../../../objects/service.ts';
import { NODE_PORT_CLIENTS } from '../../../ruleset/program/sets-and-maps.ts';
import { type Frontend, serviceKeyOf } from '../../../service/frontend.ts';
import { type ResetFlags, resetsClients } from '../../../service/reset-option.ts';
import type { Steps } from '../../../service/steps.ts';
import { connectionVerdict, FATES } from '../../../status/connection-verdict.ts';
import { besideRules } from '../../../status/service-rows.ts';
import type { TracedPacket } from '../../../trace/packet.ts';
import { type Trace, traceSteps } from '../../../trace/trace-packet.ts';
import { traceReport } from '../../../trace/trace-report.ts';
import { tracedRuleset } from '../../../trace/traced-ruleset.ts';
import { podNetworks } from '../../models.ts';
import { servesLocalhost } from '../../node-addresses.ts';
import type { Knowledge, ModelInTable } from '../knowledge.ts';
import { type ClientPlace, clientOf } from './client.ts';
import type { AnsweringService, TracedConnection } from './connection.ts';
import { frontendAt } from './frontend-at.ts';
import type { TraceClient, TraceTarget } from './request.ts';
import { type Destination, destinationsOf, type TargetPlace } from './targets.ts';

/** The maximum number of connections in one answer. */
const MAX_CONNECTIONS = 32;

export interface ConnectionRequest {
  readonly target: TraceTarget;
  readonly client: TraceClient;
}

type TraceArguments = Pick<Arguments, 'podCidrs' | 'detectLocal' | 'nodePortAddresses'> & Partial<ResetFlags>;

/** What was traced in which table, in addition to what the answer shows. */
export interface Traced {
  readonly entry: ModelInTable;
  readonly trace: Trace;
  readonly connection: TracedConnection;
}

/**
 * Follows the connections that a request is about. `own`: the node's addresses, canonical.
 * @throws ProxyError E_USAGE for what does not exist, or is of another family
 */
export function* answerSteps(
  known: Pick<Knowledge, 'models' | 'cluster' | 'shortfalls' | 'state' | 'inKernel'>,
  { target, client }: ConnectionRequest,
  args: TraceArguments,
  own: readonly string[],
): Steps<{ readonly traced: readonly Traced[]; readonly left: number }> {
  const place = placeOf(known, own);
  const { destinations, services } = yield* destinationsOf(target, place);
  const traced: Traced[] = [];
  let passed = 0;
  for (const destination of destinations) {
    if (traced.length === MAX_CONNECTIONS) break;
    passed++;
    const one = yield* traceTo(destination, services, client, known, args, place);
    const requested = 'service' in target ? target.service : undefined;
    if (one !== undefined) traced.push(requested === undefined ? one : requestedOf(requested, one));
  }
  if (traced.length === 0) throw notOfFamily(destinations, known);
  traced.sort((a, b) => FATES.indexOf(a.connection.fate) - FATES.indexOf(b.connection.fate));
  return { traced, left: destinations.length - passed };
}

/** Several Services may claim one address and port. */
function requestedOf(key: string, traced: Traced): Traced {
  const { service, text } = traced.connection;
  const holder = service && `${service.namespace}/${service.name}`;
  if (holder === undefined || holder === key) return traced;
  const told = `Service ${key} claims it too, but ${holder} takes precedence: ${text}`;
  return { ...traced, connection: { ...traced.connection, text: told } };
}

function notOfFamily(destinations: readonly Destination[], { models }: Pick<Knowledge, 'models'>): ProxyError {
  const [first] = destinations;
  const isServed = models.some(({ model }) => model.family === first?.family);
  const family = FAMILY_NAMES[first?.family ?? 'ip'];
  return new ProxyError(
    'E_USAGE',
    isServed
      ? `--from: must be an ${family} address, as ${first?.address} is`
      : `${first?.address}: this kernel has no ${family}, so nothing is programmed for it`,
  );
}

function placeOf({ models, cluster }: Parameters<typeof answerSteps>[0], own: readonly string[]): TargetPlace {
  return {
    cluster,
    families: models.map(({ model }) => model.family),
    own,
    nodePortNetworks: (family) =>
      networksIn(
        models.find(({ model }) => model.family === family),
        NODE_PORTS,
      ) ?? [],
  };
}

const NODE_PORTS = 'node-port-networks';

/** The contents of a set of networks; undefined if the program has no such set. */
function networksIn(entry: ModelInTable | undefined, name: string): readonly string[] | undefined {
  const setOrMap = entry?.model.program.setsAndMaps.find((one) => one.name === name);
  if (entry === undefined || setOrMap === undefined) return undefined;
  return [...entry.model.ruleset.elementsOf(setOrMap)].map(({ key }) => key);
}

function* traceTo(
  { family, address, protocol, port }: Destination,
  services: readonly Service[],
  client: TraceClient,
  { models, cluster, shortfalls, state, inKernel }: Parameters<typeof answerSteps>[0],
  args: TraceArguments,
  { own, nodePortNetworks }: TargetPlace,
): Steps<Traced | undefined> {
  const entry = models.find(({ model }) => model.family === family);
  const from: ClientPlace = {
    family,
    own,
    podNetworks: podNetworks(cluster, args, family),
    detectLocal: args.detectLocal,
  };
  const side = clientOf(client, address, from);
  if (entry === undefined || side === undefined) return undefined;
  const { source, iifname, isExample } = side;
  const packet: TracedPacket = {
    source,
    isExample,
    destination: address,
    protocol,
    port,
    from: side.from,
    iifname,
    own,
  };
  const trace = yield* traceSteps(tracedRuleset(entry.model.ruleset), packet);
  const isOwn = own.includes(address) || isLoopback(address);
  const frontend =
    port === undefined ? undefined : yield* frontendAt(entry, cluster, { address, protocol, port, isOwn });
  const key = frontend && serviceKeyOf(frontend);
  const claimants = services.filter((service) => isClaimant(service, address, protocol, port, isOwn));
  const affected = key === undefined ? claimants.map(({ namespace, name }) => `${namespace}/${name}`) : [key];
  // The kernel knows the frontend, but not the reason.
  const ofService = key === undefined || inKernel !== undefined ? undefined : cluster.service(key);
  const verdict = connectionVerdict(trace, {
    family,
    frontend,
    service: ofService,
    slices: key === undefined ? [] : cluster.slicesOf(key),
    claimants,
    isOwn,
    nodePortNetworks: nodePortNetworks(family),
    nodePortClients: networksIn(entry, NODE_PORT_CLIENTS),
    servesLocalhost: servesLocalhost(args.nodePortAddresses, family),
    shortfalls: affected.slice(0, MAX_CONNECTIONS).flatMap((of) => shortfalls.of('Service', of)),
  });
  const { resets, slowStart } = besideRules(ofService, { resetGoneEndpoints: false, ...args });
  const isReset = frontend !== undefined && resets !== undefined && resetsClients(frontend, resets);
  const interfaceName = iifname?.startsWith('/') ? undefined : iifname;
  const connection: TracedConnection = {
    ...verdict,
    family: FAMILY_NAMES[family],
    protocol,
    source,
    isExample,
    from: side.from,
    ...(interfaceName !== undefined && { interface: interfaceName }),
    destination: address,
    ...(port !== undefined && { port }),
    ...(frontend !== undefined && { service: answering(frontend) }),
    ...(isReset && { resetsGone: true }),
    ...(slowStart !== undefined && { slowStart }),
    // Without a daemon, no change is in progress.
    inForce: entry.inForce && (state === undefined || !affected.some((of) => entry.model.isPending(of))),
    ...(yield* traceReport(trace)),
  };
  return { entry, trace, connection };
}

/** Whether a Service claims the address, or, if that is the node's, for the port. */
function isClaimant(
  { clusterIps, externalIps, loadBalancerIps, ports }: Service,
  address: string,
  protocol: string,
  port: number | undefined,
  isOwn: boolean,
): boolean {
  if ([...clusterIps, ...externalIps, ...loadBalancerIps].includes(address)) return true;
  return isOwn && ports.some((one) => one.nodePort === port && one.protocol === protocol);
}

function answering({ servicePort, kind }: Frontend): AnsweringService {
  const [key = '', port = ''] = servicePort.split(':');
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name, port, kind };
}
