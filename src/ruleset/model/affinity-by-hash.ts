import type { Frontend } from '../../service/frontend.ts';
import { behindLimit } from '../program/limits.ts';
import { ADMITTED, BY_ADDRESS, BY_NODE_PORT } from '../program/sets-and-maps.ts';
import { frontendElementKey } from './frontend-elements.ts';
import type { Ruleset } from './ruleset.ts';

/** True if, after the last change that was taken in, the rules select this frontend's endpoint by the client's address. */
export function picksByClient(ruleset: Ruleset, frontend: Frontend): boolean {
  const { dispatch, cluster, local } = frontend.kind === 'node-port' ? BY_NODE_PORT : BY_ADDRESS;
  const key = frontendElementKey(frontend);
  return [dispatch, ADMITTED, cluster, local].some((map) => {
    const verdict = ruleset.lookUp(map, key)?.value;
    return verdict !== undefined && ruleset.program.picks.byVerdict(behindLimit(verdict))?.by === 'client';
  });
}
