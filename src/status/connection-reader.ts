import { messageOf } from '../errors.ts';
import { readCounts } from '../nft/connection-counts.ts';
import type { Nft } from '../nft/nft.ts';
import { NftError } from '../nft/run.ts';
import type { TableName } from '../nft/tables.ts';
import { commentOf } from '../ruleset/elements/element.ts';
import { frontendElementKey } from '../ruleset/model/frontend-elements.ts';
import { BY_ADDRESS, BY_NODE_PORT } from '../ruleset/program/sets-and-maps.ts';
import type { Cluster } from '../service/cluster.ts';
import type { Frontend } from '../service/frontend.ts';
import type { Steps } from '../service/steps.ts';
import type { Clock } from '../sync/clock.ts';
import type { Commits } from '../sync/commits.ts';
import type { FamilyModel } from '../sync/family-model.ts';
import { inSlices } from '../sync/slices.ts';
import { CONNECTION_RESULTS, type Connections, type FrontendConnections, type PortConnections } from './connections.ts';
import { serviceRow } from './service-rows.ts';

/** A family whose connections are counted. */
export interface CountedFamily {
  readonly model: FamilyModel;
  readonly nft: Nft;
  /** The table in force; undefined while there is none. */
  readonly table: () => TableName | undefined;
}

export interface ConnectionReaderOptions {
  readonly cluster: Cluster;
  readonly families: readonly CountedFamily[];
  readonly commits: Commits;
  readonly clock: Clock;
  /** Why nothing is counted, for people; undefined: connections are counted. */
  readonly whyNot: () => string | undefined;
}

/**
 * Milliseconds: a reading is valid for at least this long, and for a multiple of the time it took, so that it costs at most
 * a 125th of a CPU.
 */
const FRESH = 1_000;
const REST = 125;

/** Seconds that nft may take for the shortest listing, and milliseconds for an element. */
const TIMEOUT = 3;
const ELEMENT_COST = 0.03;

/** Milliseconds between readings for which our own commits are held back, and for how long at most. */
const HOLD_EVERY = 60_000;
const HOLD = 2_000;

/** How many frontends are added up in one step. */
const STEP = 500;

/** The state of a counter: its last value, and everything it has counted. */
interface Sum {
  readonly packets: number;
  readonly sum: number;
}

/** The result of a reading. */
interface Reading {
  readonly readAt: number;
  readonly frontends: readonly FrontendConnections[];
  /** Until when it is valid. */
  readonly until: number;
}

/**
 * Reads from the kernel how many new connections each frontend had: on demand, one reading at a time, while transactions
 * continue. If a counter starts from 0 again (others reset it, or a table was lost), the sum continues. Numbers never
 * decrease during the lifetime of this object.
 */
export class ConnectionReader {
  readonly #options: ConnectionReaderOptions;
  #sums: ReadonlyMap<string, Sum> = new Map();
  #served: ReadonlyMap<string, number> = new Map();
  #last: Reading | undefined;
  #reading: Promise<Reading> | undefined;
  #heldAt = Number.NEGATIVE_INFINITY;

  constructor(options: ConnectionReaderOptions) {
    this.#options = options;
  }

  /** `withFrontends`: for each frontend, too. Never rejects because of nft. */
  async read(withFrontends = false): Promise<Connections> {
    const why = this.#options.whyNot();
    if (why !== undefined) return { readAt: Date.now(), counted: false, why, ports: [] };
    try {
      const { readAt, frontends } = await this.#fresh();
      const ports = await inSlices(portSteps(frontends));
      return { readAt, counted: true, ports, ...(withFrontends && { frontends }) };
    } catch (error) {
      if (!(error instanceof NftError)) throw error;
      const message = `the kernel's counters cannot be read: ${messageOf(error)}`;
      return { readAt: Date.now(), counted: false, why: message, ports: [] };
    }
  }

  #fresh(): Promise<Reading> {
    const { clock } = this.#options;
    if (this.#last !== undefined && clock.now() < this.#last.until) return Promise.resolve(this.#last);
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readNow(): Promise<Reading> {
    const { families, clock } = this.#options;
    const began = clock.now();
    const sums = new Map<string, Sum>();
    try {
      for (const family of families) await this.#readFamily(family, sums);
    } catch (error) {
      // Changes come so fast that nft always starts again. Old numbers are better than none.
      if (!(error instanceof NftError) || this.#last === undefined) throw error;
      this.#last = { ...this.#last, until: clock.now() + Math.max(FRESH, (clock.now() - began) * REST) };
      return this.#last;
    }
    this.#sums = sums;
    const readAt = Date.now();
    const { frontends, served } = await inSlices(this.#frontendSteps(sums));
    this.#served = served;
    const took = clock.now() - began;
    this.#last = { readAt, frontends, until: clock.now() + Math.max(FRESH, took * REST) };
    return this.#last;
  }

  async #readFamily({ model, nft, table }: CountedFamily, sums: Map<string, Sum>): Promise<void> {
    const { ruleset, program } = model;
    const inForce = table();
    for (const setOrMap of program.setsAndMaps) {
      if (!setOrMap.counts || ruleset.countOf(setOrMap) === 0) continue;
      // While no table is in force, the known numbers stay.
      const counts = inForce === undefined ? [] : await this.#list(model, nft, inForce, setOrMap);
      const prefix = `${model.family} ${setOrMap.name} `;
      for (const { element, packets } of counts) {
        const id = `${prefix}${element.key} ${element.comment}`;
        sums.set(id, addedUp(this.#sums.get(id), packets));
      }
      if (inForce === undefined) for (const [id, sum] of this.#sums) if (id.startsWith(prefix)) sums.set(id, sum);
    }
  }

  async #list(model: FamilyModel, nft: Nft, table: TableName, setOrMap: Parameters<typeof readCounts>[3]) {
    const { commits, clock } = this.#options;
    const expected = model.ruleset.countOf(setOrMap) * ELEMENT_COST;
    const timeout = TIMEOUT + (3 * expected) / 1000;
    try {
      return await readCounts(nft, model.program, table, setOrMap, { timeout });
    } catch (error) {
      const mayHold = clock.now() - this.#heldAt >= HOLD_EVERY;
      if (!(error instanceof NftError && error.isTooSlow && mayHold)) throw error;
    }
    this.#heldAt = clock.now();
    const release = await commits.hold(HOLD);
    try {
      return await readCounts(nft, model.program, table, setOrMap, { timeout, onFirst: release });
    } finally {
      release();
    }
  }

  /** The counts of each frontend that is in force now. */
  *#frontendSteps(
    sums: ReadonlyMap<string, Sum>,
  ): Steps<{ readonly frontends: readonly FrontendConnections[]; readonly served: ReadonlyMap<string, number> }> {
    const { cluster, families } = this.#options;
    const frontends: FrontendConnections[] = [];
    const served = new Map<string, number>();
    let done = 0;
    for (const key of cluster.serviceKeys()) {
      for (const { model } of families) {
        for (const frontend of model.frontendsOf(key)) {
          const { id, total, refused, dropped } = countsOf(frontend, model, sums);
          // The total was read first, so it may be smaller than what came in between.
          const left = Math.max(total - refused - dropped, this.#served.get(id) ?? 0);
          if (left > 0) served.set(id, left);
          if (left + refused + dropped > 0) frontends.push(rowOf(frontend, { served: left, refused, dropped }));
          if (++done % STEP === 0) yield;
        }
      }
    }
    return { frontends, served };
  }
}

/** Continues from the known sum. A smaller number means that the counter started again. */
function addedUp(known: Sum | undefined, packets: number): Sum {
  if (known === undefined) return { packets, sum: packets };
  const news = packets < known.packets ? packets : packets - known.packets;
  return { packets, sum: known.sum + news };
}

function countsOf(frontend: Frontend, { family }: FamilyModel, sums: ReadonlyMap<string, Sum>) {
  const { connections, refused, dropped } = frontend.kind === 'node-port' ? BY_NODE_PORT : BY_ADDRESS;
  const id = `${frontendElementKey(frontend)} ${commentOf(frontend.servicePort)}`;
  const sumOf = (set: string) => sums.get(`${family} ${set} ${id}`)?.sum ?? 0;
  return { id: `${family} ${id}`, total: sumOf(connections), refused: sumOf(refused), dropped: sumOf(dropped) };
}

function rowOf(frontend: Frontend, counts: Pick<FrontendConnections, 'served' | 'refused' | 'dropped'>) {
  const { namespace, name, port, address } = serviceRow(frontend);
  return { namespace, service: name, port, protocol: frontend.protocol, address, ...counts };
}

/** The sums of ports, over their frontends. */
function* portSteps(frontends: readonly FrontendConnections[]): Steps<readonly PortConnections[]> {
  const sums = new Map<string, PortConnections>();
  let done = 0;
  for (const { namespace, service, port, protocol, ...counts } of frontends) {
    for (const result of CONNECTION_RESULTS) {
      if (counts[result] === 0) continue;
      const id = [namespace, service, port, protocol, result].join(' ');
      const connections = (sums.get(id)?.connections ?? 0) + counts[result];
      sums.set(id, { namespace, service, port, protocol, result, connections });
    }
    if (++done % STEP === 0) yield;
  }
  return [...sums.values()];
}
