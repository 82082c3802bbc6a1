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

/** Milliseconds. While a server can be reached, a watch ends and begins anew within ten minutes. */
const IN_TOUCH = 900_000;

/** What stands in for the API server, as people and programs are told. All times in milliseconds since 1970. */
export interface StateReport {
  /** Since when rules come from the saved state; undefined: they do not. */
  readonly servedSince: number | undefined;
  /** When that state was what the API server had; undefined as above. */
  readonly staleSince: number | undefined;
  /** When the state on the disk was what the API server had; 0: none was saved by this process. */
  readonly savedAt: number;
}

export interface LastStateOptions {
  readonly args: Pick<Arguments, 'stateDir' | 'stateMaxAge' | 'manifests' | 'nodeName' | 'runDir'>;
  readonly environment: NodeJS.ProcessEnv;
  readonly families: readonly Family[];
  readonly cluster: Cluster;
  readonly log: Log;
  /** A saved state was passed on to the listener, and is the whole cluster until the source has it. */
  readonly onStandIn: () => void;
}

/**
 * The last known state of the cluster on this node's disk: kept there while there is an API server, and passed on in its
 * place after a reboot while there is none. Without a state directory it does neither.
 */
export class LastState {
  /** What is to be told of the API server's answers. */
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

  /** Milliseconds since the source last gave an answer; undefined: it never did, or is no API server. */
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

  /** The source begins; what it is to tell, so that `listener` is told what is to be served. */
  begin(listener: SourceListener): SourceListener {
    if (this.#standIn === undefined) return listener;
    this.#takeOver = new TakeOver(listener);
    this.#standIn.begin();
    return this.#takeOver;
  }

  /** Something of the cluster changed. */
  changed(): void {
    this.#keeper?.changed();
  }

  /** The source has delivered everything, which the listener has; true if a saved state stood in for it until now. */
  synced(): boolean {
    const stoodIn = this.#served !== undefined;
    this.#served = undefined;
    this.#standIn?.end();
    this.#keeper?.begin();
    return stoodIn;
  }

  /** Saves what is not on the disk yet, and ends. Never rejects; takes 5 s at most. */
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
      // What is filled just now has no hooks yet.
      if (tables.some(({ baseChains }) => baseChains.length > 0)) return true;
    }
    return false;
  }
}

/** Where the state is kept: --state-dir, or what systemd gives the service. Undefined: nowhere. Manifests are on the disk anyway. */
export function stateFolder(
  { stateDir, stateMaxAge, manifests }: Pick<Arguments, 'stateDir' | 'stateMaxAge' | 'manifests'>,
  environment: NodeJS.ProcessEnv,
): string | undefined {
  if (stateMaxAge === 0 || manifests !== undefined) return undefined;
  if (stateDir !== undefined) return stateDir === '' ? undefined : stateDir;
  // Several directories are parted by colons (systemd.exec(5)).
  const [first = ''] = (environment['STATE_DIRECTORY'] ?? '').split(':');
  return isAbsolute(first) ? first : undefined;
}
