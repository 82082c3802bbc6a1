import { SHORTFALL_REASONS } from '../../service/shortfall.ts';
import { inSlices } from '../../sync/slices.ts';
import type { StateReport } from '../last-state.ts';
import { dumpSteps } from './dump-answer.ts';
import type { Knowledge } from './knowledge.ts';
import { daemonModelSteps, type ModelArguments } from './model-answer.ts';
import { renderServices } from './services-answer.ts';
import { answerTrace } from './trace/answer-trace.ts';
/** The answer to a request on the control socket; undefined for an unknown request. */
export async function answerTo(
  path: string,
  known: Knowledge,
  args: ModelArguments & Parameters<typeof answerTrace>[2] & Parameters<typeof renderServices>[2],
): Promise<string | undefined> {
  const [route, query] = path.split('?');
  const parameters = new URLSearchParams(query);
  if (route === '/dump') {
    return inSlices(dumpSteps(known, parameters.get('output') === 'json' ? 'json' : 'nft', parameters.has('all')));
  }
  if (route === '/model') return inSlices(daemonModelSteps(known, args));
  if (route === '/services') return renderServices(known, parameters, args);
  if (route === '/shortfalls') return renderShortfalls(known);
  if (route === '/status') return known.status && `${JSON.stringify(known.status(parameters.has('look')))}\n`;
  if (route === '/connections') {
    const connections = await known.connections?.(parameters.has('frontends'));
    return connections && `${JSON.stringify(connections)}\n`;
  }
  if (route === '/state') return known.state && renderState(known.state);
  return route === '/trace' ? answerTrace(parameters, known, args) : undefined;
}

/** The maximum number that the answer lists. */
const MAX_SHORTFALLS = 1000;

/** What is not served as specified, as JSON: `counts` of all by reason, and a list of the first thousand. */
function renderShortfalls({ shortfalls }: Pick<Knowledge, 'shortfalls'>): string {
  const counts = Object.fromEntries(SHORTFALL_REASONS.map((reason) => [reason, shortfalls.count(reason)]));
  const listed = [...take(shortfalls.all(), MAX_SHORTFALLS)];
  return `${JSON.stringify({ counts, shortfalls: listed }, undefined, 2)}\n`;
}

/** The saved state, as JSON: times in RFC 3339, or null if there is none. */
function renderState({ servedSince, staleSince, savedAt }: StateReport): string {
  const time = (ms: number | undefined) => (ms ? new Date(ms).toISOString() : null);
  return `${JSON.stringify({ servedSince: time(servedSince), staleSince: time(staleSince), savedAt: time(savedAt) })}\n`;
}

function* take<T>(items: Iterable<T>, most: number): Iterable<T> {
  let left = most;
  for (const item of items) {
    if (left-- <= 0) return;
    yield item;
  }
}
