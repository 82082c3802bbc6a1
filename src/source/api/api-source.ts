import type { Log } from '../../log.ts';
import type { Source, SourceListener } from '../source.ts';
import type { Connection } from './connection.ts';
import type { ApiFailure } from './failure.ts';
import { KnownObjects } from './known-objects.ts';
import { ProblemLog } from './problem-log.ts';
import { Reflector } from './reflector.ts';
import { type Resource, type ResourceOptions, resourcesFor } from './resources.ts';
import { DEFAULT_SETTINGS, type OnAnswer, type Settings } from './settings.ts';

export interface ApiSourceOptions extends ResourceOptions {
  readonly connection: Connection;
  /** The Node to follow: ours. */
  readonly nodeName: string;
  readonly log: Log;
  /** Told of every failure: for a caller that does not want to wait for ever. */
  readonly onProblem?: (failure: ApiFailure) => void;
  /** Told when a list or watch begins to fail (false), and when none does any more (true). */
  readonly onWorks?: (works: boolean) => void;
  /** Told of each request to the API server, for metrics. */
  readonly onAnswer?: OnAnswer;
  /** Other periods and bounds than the usual ones, for tests. */
  readonly settings?: Partial<Settings>;
}

/**
 * The API server as a source: Services, EndpointSlices, our Node (and others if they are asked for) and ServiceCIDRs, each listed, as a stream where the server knows
 * such lists, and then watched. Faults of the API server are retried for ever; what was passed on stays in force meanwhile.
 * When it ends, the connection is closed with it.
 */
export function createApiSource(options: ApiSourceOptions): Source {
  const { connection, log, onProblem, onWorks, onAnswer } = options;
  const settings: Settings = { ...DEFAULT_SETTINGS, ...(onAnswer && { onAnswer }), ...options.settings };
  const run = async (listener: SourceListener, signal: AbortSignal): Promise<void> => {
    for (const warning of connection.warnings) log.warn(warning);
    const problems = new ProblemLog(log, () => connection.server, onProblem, onWorks);
    const listOnly = new Set<string>();
    const resources = resourcesFor(options.nodeName, options);
    const untried = new Set(resources);
    const failed = new AbortController();
    const stop = AbortSignal.any([signal, failed.signal]);
    const reflect = async (resource: Resource) => {
      const known = new KnownObjects(resource.kind, listener, log);
      const responseMs = resource.optional
        ? Math.min(settings.responseMs, settings.optionalResponseMs)
        : settings.responseMs;
      const own = { ...settings, responseMs };
      const onTried = () => {
        if (untried.delete(resource) && untried.size === 0) listener.synced();
      };
      try {
        await new Reflector({ connection, resource, known, settings: own, problems, listOnly, log, onTried }).run(stop);
      } catch (error) {
        failed.abort();
        throw error;
      }
    };
    try {
      const outcomes = await Promise.allSettled(resources.map(reflect));
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    } finally {
      connection.close();
    }
  };
  // The credentials have been read already; whether the server answers is found out by asking, again and again.
  return { description: `API server ${connection.server}`, prepare: async () => undefined, run };
}
