import { answerSteps } from '../../../src/daemon/answers/trace/answer.ts';
import { withLive } from '../../../src/daemon/answers/trace/live.ts';
import type { TraceClient } from '../../../src/daemon/answers/trace/request.ts';
import { atOnce } from '../../../src/service/steps.ts';
import { CLIENTS, INTERFACES, OWN_TARGETS, sourceOf, TARGETS } from './cast.ts';
import type { Judge, Probe, Seen } from './judge.ts';
import type { Pipeline } from './pipeline.ts';
import { seenWithShares } from './tracer-judge.ts';

/** What `trace --live` answers: the outcomes, and that the kernel has all that is on the way. */
export class AnswerJudge implements Judge {
  readonly name = 'trace --live';
  readonly remembers = false;
  readonly #pipeline: Pipeline;

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
  }

  async judge(probes: readonly Probe[]): Promise<readonly Seen[]> {
    const { known, args, nft } = this.#pipeline.forTraces;
    const own = OWN_TARGETS.flatMap((name) => [TARGETS[name].ip4, TARGETS[name].ip6]);
    const traced = probes.flatMap(({ target, version, protocol, port, ...probe }) => {
      const address = TARGETS[target][version];
      const request = { target: { address, protocol, port }, client: clientOf({ ...probe, target, version }) };
      return atOnce(answerSteps(known, request, args, own)).traced;
    });
    const connections = await withLive(traced, nft);
    return probes.map((probe, i) => {
      const { outcomes = [], fate = '', text = '', live } = connections[i] ?? {};
      const differences = [...(live?.differences ?? []).map(({ message }) => message), ...(live?.notCompared ?? [])];
      const seen = seenWithShares(probe, outcomes);
      if (live === undefined || differences.length > 0)
        return new Map([[`not as in the kernel: ${differences}`, NOTHING]]);
      return agrees(fate, text, seen) ? seen : new Map([[`fate ${fate}, but ${[...seen.keys()]}`, NOTHING]]);
    });
  }
}

const NOTHING: ReadonlySet<string> = new Set();

/** The verdict is the worst of the outcomes; what the rules leave alone on loopback, a listener of the daemon may serve. */
function agrees(fate: string, text: string, seen: Seen): boolean {
  if (fate === 'served' && text.includes('listener')) return seen.size === 1 && seen.has('untouched');
  const [worst] = ['dropped', 'rejected', 'untouched'].filter((one) => seen.has(one));
  return fate === (worst === 'rejected' ? 'refused' : (worst ?? 'served'));
}

function clientOf({ client, target, version }: Pick<Probe, 'client' | 'target' | 'version'>): TraceClient {
  const { place } = CLIENTS[client];
  if (place === 'node') return { is: 'node' };
  return { is: 'address', address: sourceOf(client, target, version), interface: INTERFACES[place] };
}
