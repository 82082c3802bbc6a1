import type { ApiFailure } from './failure.ts';
import type { Resource } from './resources.ts';

/** After so many streamed lists in a row that broke off, one in pages is tried: whatever is between may cut long streams. */
const STREAMS_BEFORE_PAGES = 2;

/** Where a reflector is: what it knows of its resource's history, and what went wrong since the last progress. Never changed in place. */
export interface Phase {
  /** True if the API server may not have the resource, or may not give it to us. */
  readonly optional: boolean;
  /** True while a field selector is sent that older servers do not know. */
  readonly selecting: boolean;
  /** The resourceVersion from which the watch goes on; undefined while a list is due. */
  readonly version: string | undefined;
  /** The version is to be compared with the server's before it is watched from. */
  readonly doubtful: boolean;
  /** The last version taken in; undefined before the first list. */
  readonly seen: string | undefined;
  /** Streamed lists that failed since one in pages was tried. */
  readonly brokenStreams: number;
  /** Why the streamed list that was just tried failed: the list is asked for in pages at once. */
  readonly streamFailure: ApiFailure | undefined;
  /** Failures in a row without progress, from the same cause: of an outage, or of refusals. */
  readonly failures: number;
  /** How often a watch broke off right after it had told of changes, since one stayed open for a while. */
  readonly cuts: number;
  /** Whether one did so and there was no progress since. */
  readonly isCut: boolean;
  /** Whether the last attempt met nobody. */
  readonly inOutage: boolean;
  /** How often in a row the watch failed in the same way at the same version. */
  readonly same: { readonly message: string; readonly times: number; readonly unreadable: boolean } | undefined;
  /** Whether the version was of no use any more since the last progress. Once is normal operation. */
  readonly wasUseless: boolean;
  /** The status by which the server withholds an optional resource, and how often it has been looked for since. */
  readonly withheld: 403 | 404 | undefined;
  readonly looks: number;
}

/** A list as a stream that goes on as a watch, a list in pages, the server's version alone, or a watch. */
export type Step = 'stream' | 'list' | 'compare' | 'watch';

export function firstPhase({ kind, optional, fieldSelector }: Resource): Phase {
  return {
    optional: optional === true,
    // Kubernetes before the field selectors on Services (spec.clusterIP) answers 400. Headless ones are dropped later, too.
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

/** What is to be done next; `streams` says whether the server is believed to stream lists. */
export function stepOf({ version, doubtful, brokenStreams, streamFailure }: Phase, streams: boolean): Step {
  if (version !== undefined) return doubtful ? 'compare' : 'watch';
  return streams && streamFailure === undefined && brokenStreams < STREAMS_BEFORE_PAGES ? 'stream' : 'list';
}
