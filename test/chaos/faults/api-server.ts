import { setTimeout as sleep } from 'node:timers/promises';
import type { Kind } from '../../../src/objects/decode.ts';
import type { Draws } from '../../peer/draws.ts';
import type { Arena } from '../arena.ts';
import type { Fault } from '../fault.ts';

const KINDS: readonly Kind[] = ['Service', 'EndpointSlice'];

/** What is served stays as it is while nobody knows better. */
function apiFault(
  kind: string,
  what: string,
  begin: (arena: Arena, draws: Draws) => void,
  milliseconds: readonly [number, number] = [0, 0],
): Fault {
  return {
    kind,
    what,
    harms: false,
    isTold: false,
    inject: async (arena, draws) => {
      begin(arena, draws);
      const duration = draws.between(...milliseconds);
      await sleep(duration);
      arena.api.heal();
      // What went wrong before may leave watches that say nothing.
      if (duration > 0) for (const each of KINDS) arena.api.end(each, 'reset');
      return { what: duration > 0 ? `${what} for ${duration} ms` : what };
    },
  };
}

/** What the API server does, or the network on the way to it. */
export const API_FAULTS: readonly Fault[] = [
  apiFault('api-410', 'the watches end with 410 Gone, and the server has no history to resume from', ({ api }) => {
    api.compact();
    for (const kind of KINDS) api.sendError(kind, 410);
  }),
  apiFault('api-reset', 'the connections of the watches are reset', ({ api }) => {
    for (const kind of KINDS) api.end(kind, 'reset');
  }),
  apiFault(
    'api-500',
    'the watches end, and every request gets a 500',
    ({ api }) => {
      api.fail({ status: 500 });
      for (const kind of KINDS) api.end(kind, 'reset');
    },
    [1000, 4000],
  ),
  apiFault(
    'api-unanswered',
    'the watches end, and no request is answered',
    ({ api }) => {
      api.fail({ instead: 'hang' });
      for (const kind of KINDS) api.end(kind, 'properly');
    },
    [1000, 4000],
  ),
  apiFault(
    'api-silent',
    'the watches stay open but silent until they are reset',
    ({ api }) => {
      for (const kind of KINDS) api.silence(kind);
    },
    [1000, 5000],
  ),
  apiFault(
    'api-slow',
    'everything that the API server sends arrives in pieces of seven bytes',
    ({ api }, draws) => {
      api.dribble();
      if (draws.oneIn(2)) for (const kind of KINDS) api.end(kind, 'reset');
    },
    [1000, 4000],
  ),
];
