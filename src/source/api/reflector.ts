import type { Log } from '../../log.ts';
import { waitMs } from './backoff.ts';
import type { Connection } from './connection.ts';
import { decide, type Effect, type Outcome, type Saying } from './decide.ts';
import { ApiFailure, broken } from './failure.ts';
import { initialEvents } from './initial-events.ts';
import type { KnownObjects } from './known-objects.ts';
import { currentVersion, listPages } from './list.ts';
import { firstPhase, type Phase, type Step, stepOf } from './phase.ts';
import type { ProblemLog } from './problem-log.ts';
import type { Resource } from './resources.ts';
import type { Settings } from './settings.ts';
import { inTurns } from './turns.ts';
import { isOlder } from './versions.ts';
import { watchEvents } from './watch.ts';

export interface ReflectorOptions {
  readonly connection: Connection;
  readonly resource: Resource;
  readonly known: KnownObjects;
  readonly settings: Settings;
  readonly problems: ProblemLog;
  /** Servers that do not stream lists, as found out so far. All reflectors of a source share it. */
  readonly listOnly: Set<string>;
  readonly log: Log;
  /** Called whenever a list has been received completely. For an optional resource, also when that failed. */
  readonly onTried: () => void;
}

/**
 * Keeps `known` equal to one resource of the API server: lists it, then watches it (in one stream, if the server can), and
 * starts again when necessary. `decide` says what comes next; this carries it out.
 */
export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #settings: Settings;
  #resource: Resource;
  #phase: Phase;
  /** Whether the answer to the request under way has begun. */
  #opened = false;

  constructor(options: ReflectorOptions) {
    this.#options = options;
    const { settings, resource } = options;
    this.#resource = resource;
    this.#phase = firstPhase(resource);
    // Drawn once, so that the message about a silence stays the same, and is logged once.
    this.#settings = { ...settings, silenceMs: Math.round(settings.silenceMs * (1 + Math.random())) };
  }

  /** Runs until the signal aborts, then resolves. Rejects only for failures that are not the API server's. */
  async run(signal: AbortSignal): Promise<void> {
    const { connection, listOnly } = this.#options;
    while (!signal.aborted) {
      const step = stepOf(this.#phase, !listOnly.has(connection.server));
      this.#opened = false;
      let outcome: Outcome;
      try {
        outcome = await this.#attempt(step, signal);
      } catch (failure) {
        if (signal.aborted) return;
        if (!(failure instanceof ApiFailure)) throw failure;
        this.#noteCredentials();
        outcome = { what: 'failed', step, failure, opened: this.#opened };
      }
      const ms = this.#take(outcome);
      if (ms > 0) await this.#sleep(ms, signal);
    }
  }

  async #attempt(step: Step, signal: AbortSignal): Promise<Outcome> {
    if (step === 'list') return { what: 'listed', version: await this.#list(signal) };
    if (step !== 'compare') return this.#watch(signal);
    const began = performance.now();
    const version = await currentVersion(this.#options.connection, this.#resource, this.#settings, signal);
    return { what: 'compared', version, prompt: performance.now() - began <= this.#settings.promptMs };
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { connection, known } = this.#options;
    let version = '';
    for await (const page of listPages(connection, this.#resource, this.#settings, signal)) {
      if (page.first) known.beginList();
      await inTurns(known.putAll(page.items), signal);
      version = page.resourceVersion;
    }
    known.endList();
    return version;
  }

  /** A watch, or a list as a stream that continues as one. */
  async #watch(signal: AbortSignal): Promise<Outcome> {
    const { connection, known, log } = this.#options;
    const { name } = this.#resource;
    const settings = this.#settings;
    const { version: from } = this.#phase;
    let isListing = from === undefined;
    let timer: NodeJS.Timeout | undefined;
    let progress = false;
    let stable = false;
    const expectStable = () => {
      timer = setTimeout(() => {
        stable = true;
        this.#take({ what: 'stable' });
      }, settings.stableMs);
    };
    const onOpen = () => {
      this.#opened = true;
      this.#noteCredentials();
      if (!isListing) expectStable();
    };
    try {
      if (isListing) known.beginList();
      const events =
        from === undefined
          ? initialEvents(connection, this.#resource, settings, signal, onOpen)
          : watchEvents(connection, this.#resource, from, settings, signal, onOpen);
      for await (const event of events) {
        const { version } = this.#phase;
        if (version !== undefined && isOlder(event.version, version)) {
          const what = `the watch of ${name} reports version ${event.version}, which is older than ours`;
          throw broken(connection.server, what, { reason: 'ahead' });
        }
        if (event.type === 'DELETED') known.remove(event.object);
        else if (event.type === 'ADDED' || event.type === 'MODIFIED') await inTurns(known.put(event.object), signal);
        else if (event.type === 'INITIAL_END') {
          known.endList();
          isListing = false;
          this.#take({ what: 'listed', version: event.version });
          expectStable();
          continue;
        }
        // A list that is unfinished gives no version to resume from. It starts again, nothing counts as gone, and it is not
        // progress.
        if (isListing) continue;
        progress = true;
        this.#take({ what: 'taken', version: event.version });
      }
    } finally {
      clearTimeout(timer);
    }
    if (!progress && !stable) throw broken(connection.server, `the watch of ${name} ends as soon as it begins`);
    log.detail(4, 'watch ended by the server, resuming', { resource: name, from: this.#phase.version });
    return { what: 'ended', stable };
  }

  /** Enters the phase that follows. Returns how long to wait before the next step, in milliseconds. */
  #take(outcome: Outcome): number {
    const { phase, effects } = decide(this.#phase, outcome);
    this.#phase = phase;
    let ms = 0;
    for (const effect of effects) {
      if (effect.do === 'wait') ms = Math.max(waitMs(effect.wait, effect.attempt, this.#settings), effect.atLeastMs);
      else this.#apply(effect);
    }
    return ms;
  }

  #apply(effect: Exclude<Effect, { do: 'wait' }>): void {
    const { connection, problems, onTried } = this.#options;
    const { name } = this.#resource;
    switch (effect.do) {
      case 'tried':
        onTried();
        return;
      case 'works':
        problems.clear(name);
        return;
      case 'report':
        problems.report(name, effect.failure);
        return;
      case 'drop-credentials':
        connection.dropCredentials();
        return;
      case 'say':
        this.#say(effect.what, effect.status, effect.detail ?? '');
    }
  }

  #say(what: Saying, status: number | undefined, detail: string): void {
    const { connection, known, listOnly, log } = this.#options;
    const { fieldSelector, ...rest } = this.#resource;
    const { name, without } = rest;
    const server = `API server ${connection.server}`;
    switch (what) {
      case 'restored':
        log.info(
          `${server} went back to an older state of ${name} (etcd restored from a backup?): that is in force now`,
        );
        return;
      case 'withheld': {
        const role = 'does not let us list and watch them; grant that with ClusterRole system:node-proxier';
        const why = status === 404 ? 'does not have them' : role;
        if (without === undefined) {
          log.info(`continuing without ${name}: ${server} ${why}`, { status });
          return;
        }
        log.warn(`${without}: ${server} ${why}`, { resource: name, status });
        known.beginList();
        known.endList();
        return;
      }
      case 'offered':
        log.info(`${server} has ${name} now`);
        return;
      case 'no-selector':
        this.#resource = rest;
        log.info(`API server does not know the field selector ${fieldSelector}: watching all Services`);
        return;
      case 'pages-only':
        if (listOnly.has(connection.server)) return;
        listOnly.add(connection.server);
        log.detail(1, `${server} does not stream lists: requesting them in pages`, { resource: name, status });
        return;
      case 'useless':
        log.detail(1, 'the API server does not know our version: listing again', { resource: name, why: detail });
        return;
      case 'broken':
        log.detail(2, detail);
    }
  }

  /** A file was replaced by something unreadable. We continue with the old content, which may soon be refused. */
  #noteCredentials(): void {
    const { connection, problems } = this.#options;
    if (connection.reloadProblem === undefined) problems.clear('credentials');
    else problems.report('credentials', new ApiFailure('E_KUBECONFIG_MALFORMED', connection.reloadProblem));
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#settings.sleep(ms, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
