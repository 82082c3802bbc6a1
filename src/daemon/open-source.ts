import type { Arguments } from '../config/arguments.ts';
import { ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';
import { createApiSource } from '../source/api/api-source.ts';
import { hasInClusterEnvironment, loadConnection } from '../source/api/connection.ts';
import { EventSender } from '../source/api/events.ts';
import type { ApiFailure } from '../source/api/failure.ts';
import type { OnAnswer } from '../source/api/settings.ts';
import { createLogSink, type EventSink } from '../source/event-sink.ts';
import { createManifestSource } from '../source/manifests/manifest-source.ts';
import type { Source } from '../source/source.ts';

/** A source, with the API server's host and port, if any, to compare them with the addresses that we program. */
export interface OpenedSource {
  readonly source: Source;
  readonly events: EventSink;
  readonly apiServerHost?: string;
  readonly apiServerPort?: number;
}

/** Listeners for the failures and answers of an API server. */
export interface ApiListeners {
  readonly onProblem?: (failure: ApiFailure) => void;
  readonly onAnswer?: OnAnswer;
  /** Called when a list or watch begins to fail (false), and when none fails any more (true). */
  readonly onWorks?: (works: boolean) => void;
  /** Called with 200 for each answer that begins, and with the status of each failure, if there was an answer. */
  readonly onHeard?: (status: number | undefined) => void;
}

/** True if the flags or the environment name a source. */
export function namesSource({ kubeconfig, master, manifests }: Arguments, environment: NodeJS.ProcessEnv): boolean {
  return [kubeconfig, master, manifests].some((flag) => flag !== undefined) || hasInClusterEnvironment(environment);
}

/**
 * Opens the source that the flags name, or else the in-cluster one.
 * @throws ProxyError E_NO_SOURCE, E_KUBECONFIG_MISSING, E_KUBECONFIG_MALFORMED
 */
export function openSource(
  args: Arguments,
  environment: NodeJS.ProcessEnv,
  log: Log,
  listeners: ApiListeners = {},
): OpenedSource {
  const { kubeconfig, master, manifests, nodeName, skipUnreachableNodes: otherNodes } = args;
  if (manifests !== undefined) {
    return { source: createManifestSource({ path: manifests, nodeName, log }), events: createLogSink(log) };
  }
  if (!namesSource(args, environment)) {
    throw new ProxyError('E_NO_SOURCE', 'no source of Services: pass --kubeconfig FILE or --manifests PATH');
  }
  const connection = loadConnection({ kubeconfig, master, environment });
  const { onAnswer, onProblem, onWorks, onHeard } = listeners;
  const source = createApiSource({
    connection,
    nodeName,
    otherNodes,
    log,
    ...(onWorks && { onWorks }),
    onAnswer: (method, host, status) => {
      onAnswer?.(method, host, status);
      // Other failures may concern a resource that we do not need.
      if (status === 200) onHeard?.(status);
    },
    onProblem: (failure) => {
      onProblem?.(failure);
      onHeard?.(failure.status);
    },
  });
  // If the connection itself can tell, it has already warned.
  const events = new EventSender({
    connection,
    nodeName,
    log,
    ...(onAnswer && { onAnswer }),
  });
  if (connection.usesServiceAddress) return { source, events };
  return { source, events, apiServerHost: connection.serverHost, apiServerPort: connection.serverPort };
}
