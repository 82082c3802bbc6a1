import { sourceOf } from './cast.ts';
import type { Probe, Seen } from './judge.ts';

/**
 * What client-hash promises: a client meets the same Pod on each address and port, of whichever Services with the same
 * endpoints.
 */
export class ClientHashes {
  /** Client and endpoints → the Pod, and where it was met. */
  readonly #met = new Map<string, { readonly pod: string; readonly line: string }>();

  /** What breaks the promise of what was seen of a probe. `shares`: each end's in the table; default: all have the same. */
  disagreements(probe: Probe, seen: Seen, shares?: ReadonlyMap<string, number>): readonly string[] {
    const ends = [...probe.expectation.ends.keys()];
    const pods = ends.map(podOf);
    const [end = ''] = seen.keys();
    // Of a Pod on two ports it is both that are hashed.
    if (new Set(pods).size < pods.length || !pods.includes(podOf(end))) return [];
    const told = ends.map((name) => `${podOf(name)} ${(shares?.get(name) ?? 1 / ends.length).toFixed(6)}`).sort();
    const key = [sourceOf(probe.client, probe.target, probe.version), ...told].join(' ');
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
