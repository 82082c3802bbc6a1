import type { ApiFailure } from './failure.ts';
import type { Resource } from './resources.ts';

/**
 * After this many streamed lists in a row have broken off, a list in pages is tried: something in between may cut long
 * streams.
 */
const STREAMS_BEFORE_PAGES = 2;

/**
 * The state of a reflector: what it knows of its resource's history, and what has failed since the last progress. Immutable.
 */
export interface Phase {
  /** True if the API server may not have the resource, or may not let us read it. */
  readonly optional: boolean;
  /** True while we send a field selector that older servers do not know. */
  readonly selecting: boolean;
  /** The resourceVersion from which the watch continues; undefined while a list is due. */
  readonly version: string | undefined;
  /** The version must be compared with the server's before the watch continues from it. */
  readonly doubtful: boolean;
  /** The last version received; undefined before the first list. */
  readonly seen: string | undefined;
  /** How many streamed lists have failed since one in pages was tried. */
  readonly brokenStreams: number;
  /** Why the last streamed list failed. A list in pages follows at once. */
  readonly streamFailure: ApiFailure | undefined;
  /** Failures in a row without progress for the same reason: an outage, or refusals. */
  readonly failures: number;
  /** How often a watch broke off right after it had sent changes, since one stayed open for a while. */
  readonly cuts: number;
  /** Whether one did so, without progress since. */
  readonly isCut: boolean;
  /** Whether the last attempt reached nobody. */
  readonly inOutage: boolean;
  /** How often in a row the watch failed in the same way at the same version. */
  readonly same: { readonly message: string; readonly times: number; readonly unreadable: boolean } | undefined;
  /** Whether the version has become unusable since the last progress. Once is normal. */
  readonly wasUseless: boolean;
  /** The status with which the server withholds an optional resource, and how often we have tried since. */
  readonly withheld: 403 | 404 | undefined;
  readonly looks: number;
}

/** A list as a stream that continues as a watch, a list in pages, the server's version alone, or a watch. */
export type Step = 'stream' | 'list' | 'compare' | 'watch';

export function firstPhase({ kind, optional, fieldSelector }: Resource): Phase {
  return {
    optional: optional === true,
    // Kubernetes before the field selectors on Services (spec.clusterIP) answers 400. Headless Services are also dropped
    // later.
    selecting: kind === 'Service' && fieldSelector !== undefined,
    version: undefined,
    doubtful: false,
    seen: undefined,
    brokenStreams: 0,
    streamFailure: undefined,
    failures: 0,
    cuts: 0,
    isCut: false,
    inOutage: false,
    same: undefined,
    wasUseless: false,
    withheld: undefined,
    looks: 0,
  };
}

/** The next step. `streams`: whether the server is believed to stream lists. */
export function stepOf({ version, doubtful, brokenStreams, streamFailure }: Phase, streams: boolean): Step {
  if (version !== undefined) return doubtful ? 'compare' : 'watch';
  return streams && streamFailure === undefined && brokenStreams < STREAMS_BEFORE_PAGES ? 'stream' : 'list';
}
