import { concat } from '../../../ruleset/elements/element.ts';
import { BY_ADDRESS, BY_NODE_PORT } from '../../../ruleset/program/sets-and-maps.ts';
import type { Frontend } from '../../../service/frontend.ts';
import type { Steps } from '../../../service/steps.ts';
import type { Knowledge, ModelInTable } from '../knowledge.ts';

/** An address and port at which to look for a frontend. */
interface Place {
  readonly address: string;
  readonly protocol: string;
  readonly port: number;
  readonly isOwn: boolean;
}

/** The frontend that the rules have for an address and port: first by address, then as a node port. */
export function* frontendAt(
  { model }: ModelInTable,
  cluster: Knowledge['cluster'],
  { address, protocol, port, isOwn }: Place,
): Steps<Frontend | undefined> {
  const { ruleset } = model;
  const byAddress = ruleset.lookUp(BY_ADDRESS.dispatch, concat(address, protocol, port));
  const element = byAddress ?? (isOwn ? ruleset.lookUp(BY_NODE_PORT.dispatch, concat(protocol, port)) : undefined);
  if (element === undefined) return undefined;
  const isIt = (frontend: Frontend) =>
    frontend.address === (byAddress === undefined ? '' : address) &&
    frontend.protocol === protocol &&
    frontend.port === port;
  for (const key of yield* ownersOf(element.comment, cluster)) {
    const frontend = model.frontendsOf(key).find(isIt);
    if (frontend !== undefined) return frontend;
  }
  return undefined;
}

/** The Services that an element's comment may stand for. Long comments are truncated. */
function* ownersOf(comment: string, cluster: Knowledge['cluster']): Steps<readonly string[]> {
  const [key = ''] = comment.split(':');
  if (!comment.endsWith('...')) return [key];
  const beginning = comment.slice(0, -'...'.length);
  const found: string[] = [];
  let looked = 0;
  for (const known of cluster.serviceKeys()) {
    if (++looked % STEP === 0) yield;
    if (`${known}:`.startsWith(beginning) || beginning.startsWith(`${known}:`)) found.push(known);
  }
  return found;
}

/** Services that one step looks at. */
const STEP = 500;
