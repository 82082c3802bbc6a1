import { ProxyError } from '../errors.ts';
import { type Access, askAccess, type Refusal, reasonOf } from '../source/api/access.ts';
import type { Connection } from '../source/api/connection.ts';
import { ApiFailure } from '../source/api/failure.ts';
import type { ResourceOptions } from '../source/api/resources.ts';
import { type Finding, ok, problem, unknown, warning } from './finding.ts';

const TOPIC = 'API server';
const ACCESS = 'API access';
const CLOCK = 'clock';

/** Milliseconds that clocks may differ by: what the header leaves out, and a slow answer. */
const SAME = 5000;
/** Milliseconds from which on certificates and tokens may not be valid yet, or not any more. */
const FAR = 60_000;

/** An API server's answers, and what they say of it; `access` is undefined where it gives none. */
export interface ApiFindings {
  readonly findings: readonly Finding[];
  readonly access: Access | undefined;
}

/** Whether the API server answers, knows us and lets us do what a daemon does, and whether our clocks agree. */
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
    const access = await askAccess(connection, nodeName, signal, options);
    const version = access.version === undefined ? '' : `: Kubernetes ${access.version}`;
    const answers = ok(TOPIC, `${connection.server} answers${version}`);
    return {
      findings: [answers, ...warnings, ...accessFindings(access.refusals), clockFinding(access.ahead)],
      access,
    };
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    return { findings: [unreachable(error), ...warnings, unknown(ACCESS, 'it could not be asked')], access: undefined };
  }
}

function unreachable(error: ProxyError): Finding {
  const [what = '', ...advice] = reasonOf(error).split('; ');
  const usual = error instanceof ApiFailure ? 'see that it runs, and that it can be reached from here' : 'correct it';
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
    // Of the list; the watch says no more.
    return verb === 'list' ? [ok(ACCESS, `this API server has no ${resource}, which came with Kubernetes 1.33`)] : [];
  }
  const what = `${verb} of ${resource}: ${withoutAdvice(why)}`;
  const without =
    refusal.without ??
    (resource === 'events'
      ? 'conflicts between Services are then in the log alone'
      : 'connections to ClusterIPs of no Service are then not dropped');
  if (status === undefined) return [unknown(ACCESS, what, `if it is not, grant it: ${without}`)];
  return [warning(ACCESS, `${what}; ${without}`, GRANT)];
}

/** Without "grant …", which is the remedy. */
function withoutAdvice(why: string): string {
  return why.replace(/; grant .*$/, '');
}

function clockFinding(ahead: number | undefined): Finding {
  if (ahead === undefined) return unknown(CLOCK, 'the API server does not say what time it is');
  const seconds = Math.abs(Math.round(ahead / 1000));
  if (Math.abs(ahead) < SAME) return ok(CLOCK, "as the API server's");
  const what = `this node's clock is ${seconds} s ${ahead > 0 ? 'behind' : 'ahead of'} the API server's`;
  const remedy = 'set it, and keep it right by NTP (timedatectl status)';
  if (Math.abs(ahead) < FAR) return warning(CLOCK, what, remedy);
  return problem(CLOCK, `${what}: certificates and tokens may not count, and a saved state's age is wrong`, remedy);
}
