import { isAbsolute } from 'node:path';
import type { Arguments } from '../config/arguments.ts';
import type { Family } from '../ip.ts';
import type { Log } from '../log.ts';
import { createNft } from '../nft/nft.ts';
import { findTables } from '../nft/tables.ts';
import type { KubeObject } from '../objects/decode.ts';
import { StandIn } from '../saved-state/stand-in.ts';
import { StateKeeper } from '../saved-state/state-keeper.ts';
import { TakeOver } from '../saved-state/take-over.ts';
import type { Cluster } from '../service/cluster.ts';
import type { SourceListener } from '../source/source.ts';
import type { ApiListeners } from './open-source.ts';

/** Milliseconds. While a server is reachable, each watch ends and restarts within ten minutes. */
const IN_TOUCH = 900_000;

/** The saved state in use, for status and metrics. All times are in milliseconds since 1970. */
export interface StateReport {
  /** Since when the rules come from the saved state; undefined if they do not. */
  readonly servedSince: number | undefined;
  /** When the API server had that state; undefined as above. */
  readonly staleSince: number | undefined;
  /** When the API server had the state that is on the disk; 0 if this process has saved none. */
  readonly savedAt: number;
}

export interface LastStateOptions {
  readonly args: Pick<Arguments, 'stateDir' | 'stateMaxAge' | 'manifests' | 'nodeName' | 'runDir'>;
  readonly environment: NodeJS.ProcessEnv;
  readonly families: readonly Family[];
  readonly cluster: Cluster;
  readonly log: Log;
  /** A saved state was delivered to the listener, and is the whole cluster until the source has delivered it. */
  readonly onStandIn: () => void;
}

/**
 * The last known state of the cluster, on this node's disk. It is saved while the API server answers. After a reboot, it
 * replaces the API server until that answers. Without a state directory, neither happens.
 */
export class LastState {
  /** Receives the results of requests to the API server. */
  readonly listeners: Required<Pick<ApiListeners, 'onHeard'>>;
  readonly #options: LastStateOptions;
  readonly #keeper: StateKeeper | undefined;
  readonly #standIn: StandIn | undefined;
  #takeOver: TakeOver | undefined;
  #heardAt = Number.NEGATIVE_INFINITY;
  #served: { readonly since: number; readonly savedAt: number } | undefined;

  constructor(options: LastStateOptions) {
    this.#options = options;
    const { args, cluster, log } = options;
    this.listeners = {
      onHeard: (status) => {
        if (status === 200) this.#heardAt = performance.now();
        this.#standIn?.heard(status);
      },
    };
    const folder = stateFolder(args, options.environment);
    if (folder === undefined) return;
    const { nodeName, stateMaxAge: maxAge } = args;
    const isInTouch = () => performance.now() - this.#heardAt < IN_TOUCH;
    const objects = () => cluster.objects();
    this.#keeper = new StateKeeper({ folder, nodeName, maxAge, objects, isInTouch, log });
    const onState = (served: readonly KubeObject[], savedAt: number) => void this.#stand(served, savedAt);
    this.#standIn = new StandIn({ folder, nodeName, maxAge, hasRules: () => this.#hasRules(), onState, log });
  }

  /** Milliseconds since the source last answered; undefined if it never did, or is not an API server. */
  get silence(): number | undefined {
    return Number.isFinite(this.#heardAt) ? performance.now() - this.#heardAt : undefined;
  }

  get report(): StateReport {
    return {
      servedSince: this.#served?.since,
      staleSince: this.#served?.savedAt,
      savedAt: this.#keeper?.savedAt ?? 0,
    };
  }

  /** Wraps `listener` for a source that starts now, so that `listener` receives what the daemon should serve. */
  begin(listener: SourceListener): SourceListener {
    if (this.#standIn === undefined) return listener;
    this.#takeOver = new TakeOver(listener);
    this.#standIn.begin();
    return this.#takeOver;
  }

  /** Something in the cluster changed. */
  changed(): void {
    this.#keeper?.changed();
  }

  /** The source has delivered everything to the listener. Returns true if a saved state was in use until now. */
  synced(): boolean {
    const stoodIn = this.#served !== undefined;
    this.#served = undefined;
    this.#standIn?.end();
    this.#keeper?.begin();
    return stoodIn;
  }

  /** Saves what is not on the disk yet, and stops. Never rejects, and takes at most 5 s. */
  async close(): Promise<void> {
    this.#standIn?.end();
    await this.#keeper?.close();
  }

  async #stand(objects: readonly KubeObject[], savedAt: number): Promise<void> {
    if (!(await this.#takeOver?.standIn(objects))) return;
    this.#served = { since: Date.now(), savedAt };
    this.#options.onStandIn();
  }

  async #hasRules(): Promise<boolean> {
    const { args, families } = this.#options;
    for (const family of families) {
      const tables = await findTables(createNft(args.runDir, 'state'), family);
      // A table that is still being filled has no hooks yet.
      if (tables.some(({ baseChains }) => baseChains.length > 0)) return true;
    }
    return false;
  }
}

/** The state directory: --state-dir, or the one from systemd. Undefined: none. Manifests are on the disk anyway. */
export function stateFolder(
  { stateDir, stateMaxAge, manifests }: Pick<Arguments, 'stateDir' | 'stateMaxAge' | 'manifests'>,
  environment: NodeJS.ProcessEnv,
): string | undefined {
  if (stateMaxAge === 0 || manifests !== undefined) return undefined;
  if (stateDir !== undefined) return stateDir === '' ? undefined : stateDir;
  // Several directories are separated by colons (systemd.exec(5)).
  const [first = ''] = (environment['STATE_DIRECTORY'] ?? '').split(':');
  return isAbsolute(first) ? first : undefined;
}
