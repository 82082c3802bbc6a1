import { ProxyError } from '../errors.ts';
import { type Access, type Refusal, reasonOf, reviewAccess } from '../source/api/access.ts';
import type { Connection } from '../source/api/connection.ts';
import { ApiFailure } from '../source/api/failure.ts';
import type { ResourceOptions } from '../source/api/resources.ts';
import { type Finding, ok, problem, unknown, warning } from './finding.ts';

const TOPIC = 'API server';
const ACCESS = 'API access';
const CLOCK = 'clock';

/** Milliseconds by which clocks may differ, because the Date header has no milliseconds and an answer may be slow. */
const SAME = 5000;
/** Milliseconds from which certificates and tokens may be not valid yet, or no longer valid. */
const FAR = 60_000;

/** The findings about an API server, and its answers; `access` is undefined if it does not answer. */
export interface ApiFindings {
  readonly findings: readonly Finding[];
  readonly access: Access | undefined;
}

/** Checks that the API server answers and authenticates us, that the daemon has its permissions, and that clocks agree. */
export async function checkApiServer(
  connection: Connection,
  nodeName: string,
  signal: AbortSignal,
  options: ResourceOptions = {},
): Promise<ApiFindings> {
  const warnings = connection.warnings.map((text) => {
    const [what = '', remedy = 'see docs/kubernetes.md'] = text.split('; ');
    return warning(TOPIC, what, remedy);
  });
  try {
    const access = await reviewAccess(connection, nodeName, signal, options);
    const version = access.version === undefined ? '' : `: Kubernetes ${access.version}`;
    const answers = ok(TOPIC, `${connection.server} answers${version}`);
    return {
      findings: [answers, ...warnings, ...accessFindings(access.refusals), clockFinding(access.ahead)],
      access,
    };
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    return {
      findings: [unreachable(error), ...warnings, unknown(ACCESS, 'it could not be checked')],
      access: undefined,
    };
  }
}

function unreachable(error: ProxyError): Finding {
  const [what = '', ...advice] = reasonOf(error).split('; ');
  const usual = error instanceof ApiFailure ? 'make sure that it runs, and that this node can reach it' : 'correct it';
  return problem(TOPIC, what, advice.join('; ') || usual);
}

function accessFindings(refusals: readonly Refusal[]): readonly Finding[] {
  const missing = refusals.filter(({ isOptional }) => !isOptional);
  const all = [
    ...missing.map(({ resource, verb, status, why }) => {
      const what = `${verb} of ${resource}: ${withoutAdvice(why)}`;
      return status === 403 || status === 404 ? problem(ACCESS, what, GRANT) : unknown(ACCESS, what, 'try again later');
    }),
    ...refusals.filter(({ isOptional }) => isOptional).flatMap(optionalFinding),
  ];
  if (all.some(({ state }) => state !== 'ok')) return all;
  return [
    ok(ACCESS, 'list and watch of Services, EndpointSlices, Nodes and ServiceCIDRs, and creation of Events'),
    ...all,
  ];
}

const GRANT = 'grant it: deploy/kubernetes/rbac.yaml, or bind the ClusterRole system:node-proxier to this account';

function optionalFinding({ resource, verb, status, why, ...refusal }: Refusal): readonly Finding[] {
  if (status === 404 && refusal.without === undefined) {
    // Reported once, for the list; the watch adds nothing.
    return verb === 'list' ? [ok(ACCESS, `this API server has no ${resource}, which came with Kubernetes 1.33`)] : [];
  }
  const what = `${verb} of ${resource}: ${withoutAdvice(why)}`;
  const without =
    refusal.without ??
    (resource === 'events'
      ? 'conflicts between Services are then only in the log'
      : 'connections to unallocated ClusterIPs are then not dropped');
  if (status === undefined) return [unknown(ACCESS, what, `if it is not permitted, grant it: ${without}`)];
  return [warning(ACCESS, `${what}; ${without}`, GRANT)];
}

/** Cuts off "grant …", which is the remedy. */
function withoutAdvice(why: string): string {
  return why.replace(/; grant .*$/, '');
}

function clockFinding(ahead: number | undefined): Finding {
  if (ahead === undefined) return unknown(CLOCK, 'the API server does not say what time it is');
  const seconds = Math.abs(Math.round(ahead / 1000));
  if (Math.abs(ahead) < SAME) return ok(CLOCK, 'in sync with the API server');
  const what = `this node's clock is ${seconds} s ${ahead > 0 ? 'behind' : 'ahead of'} the API server's`;
  const remedy = 'set the clock, and synchronise it with NTP (timedatectl status)';
  if (Math.abs(ahead) < FAR) return warning(CLOCK, what, remedy);
  return problem(
    CLOCK,
    `${what}: certificates and tokens may be rejected, and the age of a saved state is wrong`,
    remedy,
  );
}
