/** The data of the page, as JSON. Times are milliseconds since 1970. */

/** An IP family by its nft name. */
export type Family = 'ip' | 'ip6';

/** The state of a family. */
export interface PageFamily {
  readonly family: Family;
  /** The table in force; null while there is none. */
  readonly table: string | null;
  readonly elements: number;
  /** Changed Services that are not in force yet. */
  readonly behind: number;
  /** Why the rules are not, or may not be, as the cluster specifies; empty: they are. */
  readonly problems: readonly string[];
  /** False with --no-watch. */
  readonly isWatched: boolean;
  /** When everything was last compared with the kernel, and the time between such comparisons; the same for rules alone. */
  readonly comparedAt?: number | undefined;
  readonly comparedEvery?: number | undefined;
  readonly rulesComparedAt?: number | undefined;
  readonly rulesComparedEvery?: number | undefined;
  readonly lastChange?: { readonly at: number; readonly milliseconds: number; readonly operations: number } | undefined;
  readonly drifts: number;
  readonly lastDrift?: { readonly at: number; readonly message: string } | undefined;
  readonly losses: number;
  readonly lostAt?: number | undefined;
}

/** A transaction, or a fill of the table, that came into force. */
export interface PageChange {
  readonly at: number;
  readonly family: Family;
  /** From when its first change was known until it was in force. */
  readonly milliseconds: number;
  /** Element operations. */
  readonly operations: number;
  /** True if the kernel was read, or the table was built. */
  readonly isFull: boolean;
  /** How many Services it concerns, and the keys of the first few. */
  readonly services: number;
  readonly keys: readonly string[];
}

/** Something of ours that somebody else changed or removed. */
export interface PageDrift {
  readonly at: number;
  readonly family: Family;
  readonly message: string;
}

/** The answer to page/state. */
export interface PageState {
  readonly node: string;
  readonly version: string;
  readonly pid: number;
  readonly startedAt: number;
  /** When this answer was given. */
  readonly at: number;
  readonly nft: string;
  readonly kernel: string;
  readonly source: string;
  readonly heardAt?: number | undefined;
  readonly staleSince?: number | undefined;
  readonly inSync: boolean;
  readonly families: readonly PageFamily[];
  readonly culprit?:
    | { readonly at: number; readonly pid: number; readonly process: string; readonly command: string }
    | undefined;
  readonly services: number;
  /** Flags of docs/beyond-kube-proxy.md that are set; absent if there are none. */
  readonly flags?: readonly string[] | undefined;
  /** What is not served as specified: the number of objects for each reason, without zeros. */
  readonly shortfalls: Readonly<Record<string, number>>;
  /** Increases with each change that comes into force. Then rows of Services have to be requested again. */
  readonly sequence: number;
  /** The last ones, the newest first. */
  readonly changes: readonly PageChange[];
  readonly drifts: readonly PageDrift[];
}

/** What happens to connections to a Service: the worst of its frontends. */
export const SERVICE_FATES = ['dropped', 'refused', 'partly', 'none', 'served'] as const;
export type ServiceFate = (typeof SERVICE_FATES)[number];

/** A row of the list of Services. An array, because there are thousands of them. */
export type ServiceLine = readonly [
  namespace: string,
  name: string,
  /** spec.type: "ClusterIP", "NodePort", … */
  type: string,
  /** The first few of its addresses, and ports with their protocols. */
  addresses: string,
  ports: string,
  /**
   * The maximum number of endpoints of one of its ports; under externalTrafficPolicy Local the number on this node, or -1.
   */
  endpoints: number,
  local: number,
  /** Index in SERVICE_FATES. */
  fate: number,
  /** The state of the worst of its frontends, in the words of `get services`. */
  text: string,
  /** How many frontends it has. */
  frontends: number,
];

/** The answer to page/services. */
export interface ServiceLines {
  /** The state's sequence when this answer was given. */
  readonly sequence: number;
  readonly lines: readonly ServiceLine[];
  /** Where the next page begins; absent on the last page. */
  readonly next?: number;
}

/** The answer to page/services?since=SEQUENCE: the Services that have changed since. */
export interface ChangedLines {
  readonly sequence: number;
  readonly lines: readonly ServiceLine[];
  /** Keys of Services that are gone. */
  readonly gone: readonly string[];
  /** True if it is no longer known what has changed since: everything has to be requested. */
  readonly isTooOld: boolean;
}

/** A frontend of a Service, as in `get services -o json`, with the shown endpoints, and their weights if there are any. */
export interface PageFrontend {
  readonly port: string;
  readonly type: string;
  readonly address: string;
  readonly fate: string;
  readonly affinity?: string | undefined;
  /**
   * Features of docs/beyond-kube-proxy.md from annotations and flags, in words: "slow start 30s"; absent if there are none.
   */
  readonly options?: readonly string[] | undefined;
  readonly sourceRanges: readonly string[];
  readonly endpoints: readonly string[];
  readonly endpointCount: number;
  readonly localEndpoints?: readonly string[] | undefined;
  readonly localCount?: number | undefined;
  /** Endpoints on nodes that are not Ready, used only if there are no others: "10.0.0.1:80 on node-b". */
  readonly unreachable?: readonly string[] | undefined;
  readonly unreachableCount?: number | undefined;
}

/** The answer to page/service. */
export interface PageService {
  readonly frontends: readonly PageFrontend[];
  /** How many more there are. */
  readonly left: number;
  /** What is not served as specified. */
  readonly shortfalls: readonly string[];
  /** The effects of its limits at the last reading of the kernel; absent without limits. */
  readonly limited?: string | undefined;
}

/** The answer to page/history: the last hour in steps, the oldest first. */
export interface PageHistory {
  /** When the last step began, and how long a step is. */
  readonly at: number;
  readonly step: number;
  /** For each step: changes that came into force, and how long they took, on average and at most (null: none). */
  readonly changes: readonly number[];
  readonly mean: readonly (number | null)[];
  readonly longest: readonly (number | null)[];
  /** New connections per second by result; null where they were not read. */
  readonly served: readonly (number | null)[];
  readonly refused: readonly (number | null)[];
  readonly dropped: readonly (number | null)[];
}

/** The answer to page/rates: new connections per second since the previous reading. */
export interface PageRates {
  /** False: connections are not counted; `why` says why not. */
  readonly counted: boolean;
  readonly why?: string | undefined;
  readonly readAt?: number;
  /** The busiest Services: "namespace/name", then served, refused and dropped per second. */
  readonly services: readonly (readonly [key: string, served: number, refused: number, dropped: number])[];
  /** How many more Services have connections. */
  readonly left: number;
  readonly total: { readonly served: number; readonly refused: number; readonly dropped: number } | null;
}

/** The result of a trace for one connection, with the fields of `trace -o json`. */
export interface PageConnection {
  readonly fate: 'served' | 'refused' | 'dropped' | 'untouched';
  readonly text: string;
  readonly remedy?: string | undefined;
  readonly protocol: string;
  readonly source: string;
  readonly isExample: boolean;
  readonly from: string;
  readonly destination: string;
  readonly port?: number | undefined;
  /** "default/web:http", "ClusterIP"; absent if no Service answers. */
  readonly service?: string | undefined;
  readonly type?: string | undefined;
  readonly inForce: boolean;
  /** The likeliest outcomes, and how many there are. */
  readonly outcomes: readonly { readonly probability: number; readonly text: string; readonly isNat: boolean }[];
  readonly outcomeCount: number;
  readonly rules: readonly {
    readonly hook: string;
    readonly chain: string;
    readonly rule: string;
    readonly result: string;
    readonly probability: number;
  }[];
  readonly ruleCount: number;
}

/** The answer to page/trace. */
export interface PageTrace {
  readonly connections: readonly PageConnection[];
  readonly left: number;
  /** Why there is no result, or none for some connections. */
  readonly error?: string | undefined;
}
