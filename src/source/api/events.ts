import { randomBytes } from 'node:crypto';
import { messageOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { ClusterEvent, EventSink } from '../event-sink.ts';
import type { Connection } from './connection.ts';
import { ask } from './exchange.ts';
import { ApiFailure } from './failure.ts';
import { DEFAULT_SETTINGS, type OnAnswer, type Settings } from './settings.ts';

export interface EventSenderOptions {
  readonly connection: Connection;
  readonly nodeName: string;
  readonly log: Log;
  /** Milliseconds one event may take. */
  readonly patience?: number;
  /** How many events may wait; further ones are lost. */
  readonly room?: number;
  /** Told of each request to the API server, for metrics. */
  readonly onAnswer?: OnAnswer;
}

/** Characters of a message: what the API takes. */
const MAX_MESSAGE = 1024;
/** Characters of reportingInstance. */
const MAX_INSTANCE = 128;

/** What was attempted, in kube-proxy's words. */
const ACTIONS: Readonly<Record<ClusterEvent['reason'], string>> = {
  Starting: 'StartKubeProxy',
  FailedToStartProxierHealthcheck: 'StartKubeProxy',
  FailedToStartMetricServer: 'StartKubeProxy',
  FailedToStartServiceHealthcheck: 'Listen',
};

/** Sends events (core/v1) to the API server, one after the other and each once, as kube-proxy reports its own. */
export class EventSender implements EventSink {
  readonly #options: EventSenderOptions & Required<Pick<EventSenderOptions, 'patience' | 'room'>>;
  readonly #settings: Settings;
  readonly #waiting: ClusterEvent[] = [];
  #isSending = false;
  #sending = Promise.resolve();
  #failing = false;

  constructor(options: EventSenderOptions) {
    this.#options = { patience: 10_000, room: 20, ...options };
    this.#settings = { ...DEFAULT_SETTINGS, ...(options.onAnswer && { onAnswer: options.onAnswer }) };
  }

  event(event: ClusterEvent): void {
    if (this.#waiting.length >= this.#options.room) this.#lost(event, 'too many events wait');
    else this.#waiting.push(event);
    if (!this.#isSending) this.#sending = this.#sendAll();
  }

  whenSent(): Promise<void> {
    return this.#sending;
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift()) {
      try {
        await this.#send(event);
        this.#failing = false;
      } catch (error) {
        this.#lost(event, reasonOf(error));
      }
    }
    this.#isSending = false;
  }

  async #send(event: ClusterEvent): Promise<void> {
    const { connection, nodeName, patience } = this.#options;
    const object = eventObject(event, nodeName);
    const question = {
      resource: 'events',
      path: `/api/v1/namespaces/${object.metadata.namespace}/events`,
      body: JSON.stringify(object),
      silenceMs: patience,
    };
    // Read to its end, so that the connection can be used again.
    for await (const _chunk of ask(connection, question, this.#settings, AbortSignal.timeout(patience)));
  }

  /** The first of a series of failures is told sooner. */
  #lost({ reason }: ClusterEvent, why: string): void {
    this.#options.log.detail(this.#failing ? 3 : 1, `an event was not sent: ${why}`, { reason });
    this.#failing = true;
  }
}

function eventObject({ type, reason, message, about }: ClusterEvent, nodeName: string) {
  // kube-proxy does not know UIDs and gives names; for a Node, `kubectl describe` searches for just that.
  const involvedObject =
    about === 'node'
      ? { kind: 'Node', name: nodeName, uid: nodeName }
      : {
          kind: 'Service',
          namespace: about.namespace,
          name: about.name,
          uid: `${about.namespace}/${about.name}`,
        };
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      name: `kube-proxy.${randomBytes(8).toString('hex')}`,
      // Events about objects without a namespace are kept in this one.
      namespace: about === 'node' ? 'default' : about.namespace,
    },
    involvedObject,
    type,
    reason,
    action: ACTIONS[reason],
    message: message.slice(0, MAX_MESSAGE),
    // A MicroTime: the API wants six digits.
    eventTime: new Date().toISOString().replace('Z', '000Z'),
    reportingComponent: 'kube-proxy',
    reportingInstance: `kube-proxy-${nodeName}`.slice(0, MAX_INSTANCE),
  };
}

/** Failures of the API server speak of trying again, which is not done here. */
function reasonOf(error: unknown): string {
  if (!(error instanceof ApiFailure)) return messageOf(error);
  const { status, cause } = error;
  if (status === undefined) return messageOf(cause ?? error);
  const advice = status === 403 ? '; grant create on events (ClusterRole system:node-proxier)' : '';
  return `the API server answers ${status}${advice}`;
}
