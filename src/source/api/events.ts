import { createHash, randomBytes } from 'node:crypto';
import { messageOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { ClusterEvent, EventSink } from '../event-sink.ts';
import type { Connection } from './connection.ts';
import { send } from './exchange.ts';
import { ApiFailure } from './failure.ts';
import { DEFAULT_SETTINGS, type OnAnswer, type Settings } from './settings.ts';

export interface EventSenderOptions {
  readonly connection: Connection;
  readonly nodeName: string;
  readonly log: Log;
  /** Milliseconds that one event may take. */
  readonly patience?: number;
  /** How many events may wait (and half as many that are delayed). Further events are lost. */
  readonly room?: number;
  /** Milliseconds over which the nodes of a cluster spread events that all of them send. */
  readonly spread?: number;
  /** Called with each request to the API server, for metrics. */
  readonly onAnswer?: OnAnswer;
}

/** The API's limit for a message, in characters. */
const MAX_MESSAGE = 1024;
/** The limit for reportingInstance, in characters. */
const MAX_INSTANCE = 128;

/** The attempted action, in kube-proxy's words. */
const ACTIONS: Readonly<Record<ClusterEvent['reason'], string>> = {
  Starting: 'StartKubeProxy',
  FailedToStartProxierHealthcheck: 'StartKubeProxy',
  FailedToStartMetricServer: 'StartKubeProxy',
  FailedToStartServiceHealthcheck: 'Listen',
  ServiceAddressConflict: 'Serve',
  ServiceNotFullyServed: 'Serve',
  ServiceAddressProtected: 'Serve',
  ServiceAnnotationIgnored: 'Serve',
  ServiceCIDRNotUsed: 'Serve',
  KernelRulesChanged: 'Serve',
};

/** Sends events (core/v1) to the API server, one after the other and once each, like kube-proxy. */
export class EventSender implements EventSink {
  readonly #options: EventSenderOptions & Required<Pick<EventSenderOptions, 'patience' | 'room' | 'spread'>>;
  readonly #settings: Settings;
  readonly #waiting: ClusterEvent[] = [];
  /** How many are delayed. */
  #spread = 0;
  #isSending = false;
  #sending = Promise.resolve();
  #failing = false;

  constructor(options: EventSenderOptions) {
    this.#options = { patience: 10_000, room: 20, spread: 30_000, ...options };
    this.#settings = { ...DEFAULT_SETTINGS, ...(options.onAnswer && { onAnswer: options.onAnswer }) };
  }

  event(event: ClusterEvent): void {
    const { room, spread } = this.#options;
    const isShared = event.sameOnAllNodes !== undefined;
    // Events that all nodes send leave half of the room for events that only this node sends.
    if (this.#waiting.length >= room || (isShared && this.#spread >= room / 2)) {
      this.#lost(event, 'too many events are waiting');
    } else if (!isShared) this.#enqueue(event);
    else {
      this.#spread++;
      const later = setTimeout(() => {
        this.#spread--;
        this.#enqueue(event);
      }, Math.random() * spread);
      later.unref();
    }
  }

  #enqueue(event: ClusterEvent): void {
    this.#waiting.push(event);
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
        if (!isKnown(event, error)) this.#lost(event, reasonOf(error));
      }
    }
    this.#isSending = false;
  }

  async #send(event: ClusterEvent): Promise<void> {
    const { connection, nodeName, patience } = this.#options;
    const object = eventObject(event, nodeName);
    const request = {
      resource: 'events',
      path: `/api/v1/namespaces/${object.metadata.namespace}/events`,
      body: JSON.stringify(object),
      silenceMs: patience,
    };
    // Read to the end, so that the connection can be reused.
    for await (const _chunk of send(connection, request, this.#settings, AbortSignal.timeout(patience)));
  }

  /** The first failure of a series is logged at a lower verbosity. */
  #lost({ reason }: ClusterEvent, why: string): void {
    this.#options.log.detail(this.#failing ? 3 : 1, `an event was not sent: ${why}`, { reason });
    this.#failing = true;
  }
}

/** True if another node was faster, or this node before its restart. */
function isKnown({ sameOnAllNodes }: ClusterEvent, error: unknown): boolean {
  return sameOnAllNodes !== undefined && error instanceof ApiFailure && error.status === 409;
}

/** The part of an event's name that makes it unique: random, or the same on all nodes if the event is. */
function suffixOf({ reason, about, sameOnAllNodes }: ClusterEvent): string {
  if (sameOnAllNodes === undefined) return randomBytes(8).toString('hex');
  const identity = JSON.stringify([reason, about, sameOnAllNodes]);
  return createHash('sha256').update(identity).digest('hex').slice(0, 32);
}

function eventObject(event: ClusterEvent, nodeName: string) {
  const { type, reason, message, about } = event;
  // Like kube-proxy, we do not know UIDs and give names. For a Node, `kubectl describe` searches for exactly that.
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
      name: `kube-proxy.${suffixOf(event)}`,
      // Events about objects without a namespace are in this one.
      namespace: about === 'node' ? 'default' : about.namespace,
    },
    involvedObject,
    type,
    reason,
    action: ACTIONS[reason],
    message: message.slice(0, MAX_MESSAGE),
    // A MicroTime: the API requires six digits.
    eventTime: new Date().toISOString().replace('Z', '000Z'),
    reportingComponent: 'kube-proxy',
    reportingInstance: `kube-proxy-${nodeName}`.slice(0, MAX_INSTANCE),
  };
}

/** Failures of the API server mention retries, which do not happen here. */
function reasonOf(error: unknown): string {
  if (!(error instanceof ApiFailure)) return messageOf(error);
  const { status, cause } = error;
  if (status === undefined) return messageOf(cause ?? error);
  const advice = status === 403 ? '; grant create on events (ClusterRole system:node-proxier)' : '';
  return `the API server answers ${status}${advice}`;
}
