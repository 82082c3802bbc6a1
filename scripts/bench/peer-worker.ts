/**
 * On a node between a client and the pods: who changes a synthetic cluster at an API server, and sees when packets
 * follow. The proxy itself is none of this process's: what this costs is in nobody's figures.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { runSync } from '../../test/netns/namespaces.ts';
import { BareWatch } from './bare-watch.ts';
import { CLOCK } from './clock.ts';
import { EndpointReplacements, type Replacement } from './endpoint-replacements.ts';
import { paced } from './paced.ts';
import { doubleApi, type Kubeconfigs, type PeerApi, realApi } from './peer-api.ts';
import { burstFor, Prober } from './prober.ts';
import { rawSlice } from './raw-cluster.ts';
import type { ClusterSize } from './synthetic-cluster.ts';
import { serve } from './worker-calls.ts';

/** How many Services have to answer until a start counts as done, evenly spread and with the last one. */
const SAMPLES = 20;
/** Milliseconds between two looks at what a start or restart takes; and for a change, which takes less. */
const START_INTERVAL = 5;
const CHANGE_INTERVAL = 1;
/** Of the changes of a series so many a second are followed to the packets. */
const FOLLOWED = 10;

/** What it works with. */
interface PeerPlace {
  readonly size: ClusterSize;
  /** In memory. */
  readonly directory: string;
  /** Of a real API server; without them it starts the double. */
  readonly kubeconfigs: Kubeconfigs | undefined;
  /** Names of the network namespaces. */
  readonly client: string;
  readonly pods: string;
}

/** One change, in milliseconds since its request was sent. */
export interface Followed {
  /** Until a bare watch tells it. */
  readonly told: number;
  /** Until a packet arrives where it then should. */
  readonly arrived: number;
}

interface State {
  readonly size: ClusterSize;
  readonly api: PeerApi;
  readonly prober: Prober;
  readonly watch: BareWatch;
  readonly replacements: EndpointReplacements;
}

let state: State | undefined;

const handlers = {
  /** Begins to see, and returns the path of a kubeconfig for a proxy. */
  async start({ size, directory, kubeconfigs, client, pods }: PeerPlace): Promise<string> {
    const api = kubeconfigs === undefined ? await doubleApi(size, directory) : realApi(kubeconfigs);
    const watch = await BareWatch.open(api.access);
    const prober = new Prober(client, pods);
    state = { size, api, prober, watch, replacements: new EndpointReplacements(size) };
    return api.kubeconfig;
  },

  /** Resolves with the moment at which the last of some Services has answered. */
  async untilServed({ seconds }: { seconds: number }): Promise<number> {
    const { size, prober, replacements } = started();
    const count = Math.min(SAMPLES, size.services);
    const services = Array.from({ length: count }, (_, i) => Math.ceil(((i + 1) * size.services) / count) - 1);
    const arrivals = services.map((service) =>
      prober.arrival(service, replacements.endpointsOf(service), { burst: 1, interval: START_INTERVAL }),
    );
    const all = Promise.all(arrivals.map(({ at }) => at));
    return Math.max(...(await within(seconds, all, `not all of ${count} Services answer`)));
  },

  /** Replaces one endpoint of one Service and follows that. */
  async change({ seconds }: { seconds: number }): Promise<Followed> {
    return within(seconds, followed(started().replacements.next()).done, 'a change is not in force');
  },

  /**
   * `count` such changes, `rate` a second, some of which are followed. `missing`: how many of these were not in force so
   * many seconds after the last change.
   */
  async churn({
    count,
    rate,
    seconds,
  }: {
    count: number;
    rate: number;
    seconds: number;
  }): Promise<{ readonly followed: readonly Followed[]; readonly missing: number }> {
    const { api, replacements } = started();
    const puts: Promise<void>[] = [];
    const follows: ReturnType<typeof followed>[] = [];
    const every = Math.max(1, Math.round(rate / FOLLOWED));
    await paced(count, rate, (i) => {
      const change = replacements.next();
      if (i % every === 0) follows.push(followed(change));
      else puts.push(api.putSlice(rawSlice(change.service, change.addresses)));
    });
    await Promise.all(puts);
    const done: Followed[] = [];
    const all = Promise.all(follows.map(async (one) => done.push(await one.done)));
    await Promise.race([all, sleep(seconds * 1000, undefined, { ref: false })]);
    for (const { giveUp } of follows) giveUp();
    return { followed: done, missing: follows.length - done.length };
  },

  /** Replaces one endpoint while no proxy sees it; `untilFollowed` resolves with the moment when packets follow that. */
  async changeUnseen(): Promise<Replacement> {
    const { api, replacements } = started();
    const change = replacements.next();
    await api.putSlice(rawSlice(change.service, change.addresses));
    return change;
  },

  async untilFollowed({
    change: { service, fresh },
    seconds,
  }: {
    change: Replacement;
    seconds: number;
  }): Promise<number> {
    const { size, prober } = started();
    const { at } = prober.arrival(service, [fresh], { burst: burstFor(size.endpoints), interval: START_INTERVAL });
    return within(seconds, at, 'a restarted proxy does not know a change');
  },

  /** Takes away all rules of this namespace. */
  async wipe(): Promise<void> {
    runSync(['nft', 'flush', 'ruleset'], { timeoutMs: 300_000 });
  },
};

export type PeerHandlers = typeof handlers;

function started(): State {
  if (state === undefined) throw new Error('not started yet');
  return state;
}

/** Sends a change and follows it. */
function followed({ service, addresses, fresh }: Replacement): {
  readonly done: Promise<Followed>;
  readonly giveUp: () => void;
} {
  const { size, api, prober, watch } = started();
  const told = watch.tells(fresh);
  const arrival = prober.arrival(service, [fresh], {
    burst: burstFor(size.endpoints),
    interval: CHANGE_INTERVAL,
  });
  const sent = CLOCK.now();
  const done = async () => {
    await api.putSlice(rawSlice(service, addresses));
    return { told: (await told) - sent, arrived: (await arrival.at) - sent };
  };
  return { done: done(), giveUp: arrival.giveUp };
}

async function within<T>(seconds: number, work: Promise<T>, problem: string): Promise<T> {
  const late = sleep(seconds * 1000, undefined, { ref: false }).then(() => {
    throw new Error(`${problem} after ${seconds} s`);
  });
  late.catch(() => undefined);
  return Promise.race([work, late]);
}

serve(handlers);
