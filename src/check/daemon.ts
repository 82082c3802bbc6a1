import { isInSync, problemsOf, type Status } from '../status/status.ts';
import { type Finding, ok, problem } from './finding.ts';

const TOPIC = 'kube-proxy-nft';

/** The state of this node's daemon, from its own answer. `status` is undefined if no daemon answers. */
export function checkDaemon(status: Status | undefined, version: string): Finding {
  if (status === undefined) return ok(TOPIC, `${version} here; no daemon runs`);
  const runs = `the daemon ${status.version} runs (pid ${status.pid})`;
  if (isInSync(status)) return ok(TOPIC, `${runs}, in sync`);
  const why = status.families.flatMap((family) => problemsOf(family, status.at)).join('; ');
  return problem(TOPIC, `${runs}, but is not in sync${why === '' ? '' : `: ${why}`}`, 'kube-proxy-nft status');
}
