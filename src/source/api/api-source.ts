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
  /** The Node to follow: our own. */
  readonly nodeName: string;
  readonly log: Log;
  /** Called with every failure, for callers that do not want to wait for ever. */
  readonly onProblem?: (failure: ApiFailure) => void;
  /** Called when a list or watch begins to fail (false), and when all work again (true). */
  readonly onWorks?: (works: boolean) => void;
  /** Called with each request to the API server, for metrics. */
  readonly onAnswer?: OnAnswer;
  /** Periods and limits that differ from the defaults, for tests. */
  readonly settings?: Partial<Settings>;
}

/**
 * The API server as a source: Services, EndpointSlices, our Node (and other Nodes if requested) and ServiceCIDRs. Each is
 * listed, as a stream if the server supports that, and then watched. Failures of the API server are retried for ever, and
 * what was passed on stays in force. When the source ends, it closes the connection.
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
  // The credentials have already been read. Whether the server answers is found out by requests, which are repeated.
  return { description: `API server ${connection.server}`, prepare: async () => undefined, run };
}
