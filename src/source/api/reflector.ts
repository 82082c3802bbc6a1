import type { Log } from '../../log.ts';
import { Backoff } from './backoff.ts';
import type { Connection } from './connection.ts';
import { ApiFailure, broken, isGone } from './failure.ts';
import { initialEvents, isUnknown, mayStillList } from './initial-events.ts';
import type { KnownObjects } from './known-objects.ts';
import { listPages } from './list.ts';
import type { ProblemLog } from './problem-log.ts';
import type { Resource } from './resources.ts';
import type { Settings } from './settings.ts';
import { watchEvents } from './watch.ts';

/** After so many streamed lists in a row that broke off, one in pages is tried: whatever is between may cut long streams. */
const STREAMS_BEFORE_PAGES = 2;
/** After so many refused watches in a row without an event, the version to resume from may be what is wrong. */
const REFUSALS_BEFORE_RELIST = 4;

export interface ReflectorOptions {
  readonly connection: Connection;
  readonly resource: Resource;
  readonly known: KnownObjects;
  readonly settings: Settings;
  readonly problems: ProblemLog;
  /** Servers found not to stream lists; all reflectors of a source share it. */
  readonly listOnly: Set<string>;
  readonly log: Log;
  /** Called whenever a list has been taken in completely; for an optional resource also when that failed. */
  readonly onTried: () => void;
}

/** Keeps `known` equal to one resource of the API server: lists it, then watches it (in one stream, if the server knows how), and starts again where it must. */
export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #backoff: Backoff;
  /** Between looks for an optional resource that is absent. */
  readonly #absence: Backoff;
  #resource: Resource;
  /** Where the watch goes on; undefined when a list is due. */
  #version: string | undefined;
  /** Whether the version was found to be gone since the last progress. Once is normal operation. */
  #wasGone = false;
  /** Streamed lists that failed since a list in pages was tried. */
  #brokenStreams = 0;
  /** The status by which the server withholds an optional resource. */
  #withheld: number | undefined;

  constructor(options: ReflectorOptions) {
    this.#options = options;
    this.#resource = options.resource;
    const { backoffMinMs, backoffMaxMs, absentMinMs, absentMaxMs } = options.settings;
    this.#backoff = new Backoff(backoffMinMs, backoffMaxMs);
    this.#absence = new Backoff(absentMinMs, absentMaxMs);
  }

  /** Runs until the signal aborts, then resolves. Rejects only with what is no fault of the API server. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#version !== undefined) await this.#watch(this.#version, signal);
        else if (this.#isStreaming()) await this.#stream(signal);
        else await this.#list(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof ApiFailure)) throw error;
        await this.#recover(error, signal);
      }
    }
  }

  #isStreaming(): boolean {
    const { connection, listOnly } = this.#options;
    return this.#brokenStreams < STREAMS_BEFORE_PAGES && !listOnly.has(connection.server);
  }

  /** Lists and watches in one; lists in pages where that is not to be had. */
  async #stream(signal: AbortSignal): Promise<void> {
    const { connection, listOnly, log } = this.#options;
    const { server } = connection;
    try {
      await this.#watch(undefined, signal);
      return;
    } catch (error) {
      const isListed = this.#version !== undefined;
      if (signal.aborted || isListed || !(error instanceof ApiFailure)) throw error;
      this.#brokenStreams += 1;
      if (!mayStillList(error)) throw error;
      await this.#list(signal);
      // Only now: had the list failed, too, then streaming need not be the reason.
      if (!isUnknown(error) || listOnly.has(server)) return;
      listOnly.add(server);
      const how = { resource: this.#resource.name, status: error.status };
      log.detail(1, `API server ${server} does not stream lists: they are asked for in pages`, how);
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { connection, known, settings, onTried } = this.#options;
    this.#brokenStreams = 0;
    let version: string | undefined;
    for await (const page of listPages(connection, this.#resource, settings, signal)) {
      if (page.first) known.beginList();
      for (const item of page.items) known.put(item);
      version = page.resourceVersion;
    }
    known.endList();
    this.#version = version;
    onTried();
  }

  async #watch(from: string | undefined, signal: AbortSignal): Promise<void> {
    const { connection, known, settings, log, onTried } = this.#options;
    let isListing = from === undefined;
    let timer: NodeJS.Timeout | undefined;
    let progress = false;
    let stable = false;
    const onProgress = () => {
      progress = true;
      this.#wasGone = false;
      this.#backoff.reset();
      this.#options.problems.clear(this.#resource.name);
      this.#noteOffered();
    };
    const expectStable = () => {
      timer = setTimeout(() => {
        stable = true;
        onProgress();
      }, settings.stableMs);
    };
    const onOpen = () => {
      this.#noteCredentials();
      if (!isListing) expectStable();
    };
    const resource = this.#resource;
    try {
      if (isListing) known.beginList();
      const events = isListing
        ? initialEvents(connection, resource, settings, signal, onOpen)
        : watchEvents(connection, resource, from, settings, signal, onOpen);
      for await (const event of events) {
        if (event.type === 'DELETED') known.remove(event.object);
        else if (event.type === 'ADDED' || event.type === 'MODIFIED') known.put(event.object);
        else if (event.type === 'INITIAL_END') {
          known.endList();
          isListing = false;
          this.#version = event.version;
          this.#brokenStreams = 0;
          onTried();
          expectStable();
          continue;
        }
        // An unfinished list leaves no version to resume from: it starts again, and nothing counts as gone. Nor is it progress,
        // and its end is not: a server that forgets at once what it has listed is not to be asked without a pause.
        if (isListing) continue;
        this.#version = event.version;
        onProgress();
      }
    } finally {
      clearTimeout(timer);
    }
    if (!progress) throw broken(connection.server, `the watch of ${this.#resource.name} ends as soon as it begins`);
    log.detail(4, 'watch ended by the server, resuming', { resource: this.#resource.name, from: this.#version });
    if (!stable) await this.#sleep(this.#backoff.next(), signal);
  }

  /** Says what is wrong, decides where to go on, and waits. */
  async #recover(failure: ApiFailure, signal: AbortSignal): Promise<void> {
    const { connection, problems, log } = this.#options;
    this.#noteCredentials();
    const { name, optional } = this.#resource;
    if (optional) this.#options.onTried();
    if (optional && (failure.status === 404 || failure.status === 403)) {
      await this.#waitUntilOffered(failure.status, signal);
      return;
    }
    const watching = this.#version !== undefined;
    const first = this.#backoff.attempts === 0;
    const waitMs = Math.max(this.#backoff.next(), failure.retryAfterMs);
    if (isGone(failure) && watching) {
      this.#version = undefined;
      log.detail(1, 'the API server has forgotten where our watch was: listing again', { resource: name });
      if (!this.#wasGone) {
        this.#wasGone = true;
        return;
      }
      problems.report(name, failure);
    } else if (failure.status === undefined && watching && first) {
      // Streams break off in normal operation (a rolling restart, a load balancer): a problem only if it stays.
      log.detail(2, failure.message);
    } else if (!watching && this.#dropUnknownSelector(failure)) {
      return;
    } else {
      problems.report(name, failure);
    }
    if (failure.status === 401) connection.dropCredentials();
    if (watching && this.#backoff.attempts > REFUSALS_BEFORE_RELIST && mayBeTheVersion(failure))
      this.#version = undefined;
    await this.#sleep(waitMs, signal);
  }

  /** An API server, or a role, older than the resource: said once, and looked at again seldom. What it gave before stays. */
  async #waitUntilOffered(status: 403 | 404, signal: AbortSignal): Promise<void> {
    const { connection, problems, log } = this.#options;
    const { name } = this.#resource;
    this.#version = undefined;
    this.#backoff.reset();
    problems.clear(name);
    if (this.#withheld !== status) {
      const why =
        status === 404
          ? 'does not have them'
          : 'does not let us list and watch them; grant that by ClusterRole system:node-proxier';
      log.info(`going on without ${name}: API server ${connection.server} ${why}`, { status });
    }
    this.#withheld = status;
    await this.#sleep(this.#absence.next(), signal);
  }

  /** Only once it can be watched: a role that grants list alone makes it a resource that is listed seldom. */
  #noteOffered(): void {
    if (this.#withheld === undefined) return;
    this.#withheld = undefined;
    this.#absence.reset();
    this.#options.log.info(`API server ${this.#options.connection.server} has ${this.#resource.name} now`);
  }

  /** Kubernetes before the field selectors on Services (spec.clusterIP) answers 400. Headless ones are dropped later, too. */
  #dropUnknownSelector(failure: ApiFailure): boolean {
    const { kind, fieldSelector, ...rest } = this.#resource;
    if (failure.status !== 400 || kind !== 'Service' || fieldSelector === undefined) return false;
    this.#resource = { kind, ...rest };
    this.#options.log.info(`API server does not know the field selector ${fieldSelector}: watching all Services`);
    return true;
  }

  /** Files that were rotated into something unreadable: we go on with the old ones, which may soon be refused. */
  #noteCredentials(): void {
    const { connection, problems } = this.#options;
    if (connection.reloadProblem === undefined) problems.clear('credentials');
    else problems.report('credentials', new ApiFailure('E_KUBECONFIG_MALFORMED', connection.reloadProblem));
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#options.settings.sleep(ms, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

/** 401, 403 and 429 are about us, not about what we ask for; without a status there was no answer. */
function mayBeTheVersion({ status }: ApiFailure): boolean {
  return status !== undefined && ![401, 403, 429].includes(status);
}
