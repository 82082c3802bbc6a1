import type { Outcome } from '../../../src/trace/trace-packet.ts';
import { sourceOf } from '../runner/cast.ts';
import type { Probe } from '../runner/judge.ts';
import { seenByTracer } from '../runner/tracer-judge.ts';
import type { Answer } from './reference.ts';

/**
 * What client-hash promises: a client meets the same Pod on each address and port, of whichever Services with the same
 * endpoints.
 */
export class ClientHashes {
  /** Client and endpoints → the Pod, and where it was met. */
  readonly #met = new Map<string, { readonly pod: string; readonly line: string }>();

  /** What of the tracer's outcomes of a probe breaks the promise. */
  disagreements(probe: Probe, { ends, finalShares }: Answer, outcomes: readonly Outcome[]): readonly string[] {
    const pods = [...ends.keys()].map(podOf);
    const [end = ''] = seenByTracer(outcomes, probe.version).keys();
    // Of a Pod on two ports it is both that are hashed.
    if (new Set(pods).size < pods.length || !pods.includes(podOf(end))) return [];
    const shares = [...finalShares].map(([name, share]) => `${podOf(name)} ${share.toFixed(6)}`).sort();
    const key = [sourceOf(probe.client, probe.target, probe.version), ...shares].join(' ');
    const { line } = probe.expectation;
    const known = this.#met.get(key) ?? { pod: podOf(end), line };
    this.#met.set(key, known);
    return known.pod === podOf(end) ? [] : [`${line} -- ${end}, but ${known.line} -- ${known.pod}`];
  }
}

/** "here" of "here:8080". */
function podOf(end: string): string {
  return end.replace(/:\d+$/, '');
}
