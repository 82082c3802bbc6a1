import type { Drift } from '../../../audit/drift.ts';
import type { FrontendKind } from '../../../service/frontend.ts';
import type { ConnectionVerdict } from '../../../status/connection-verdict.ts';
import type { TracedPacket } from '../../../trace/packet.ts';
import type { ReportedOutcome, ReportedRule } from '../../../trace/trace-report.ts';

/** The Service that serves an address and port. */
export interface AnsweringService {
  readonly namespace: string;
  readonly name: string;
  /** The port's name; empty for the unnamed one. */
  readonly port: string;
  readonly kind: FrontendKind;
}

/** What happens to connections from one client to one address and port. */
export interface TracedConnection extends ConnectionVerdict {
  readonly family: string;
  readonly protocol: string;
  readonly source: string;
  /** True if the source is only an example, because the request named none. */
  readonly isExample: boolean;
  readonly from: TracedPacket['from'];
  /** Absent if it is unknown, or if there is none. */
  readonly interface?: string;
  readonly destination: string;
  /** Absent for protocols without ports. */
  readonly port?: number;
  /** Absent if no Service serves it. */
  readonly service?: AnsweringService;
  /** True if an open connection ends when its endpoint no longer exists (reset-gone-endpoints); otherwise absent. */
  readonly resetsGone?: true;
  /** "30s": the time until a new endpoint has its full share (slow-start); absent if it has it at once. */
  readonly slowStart?: string;
  /** False while its table, or the Service's last change, is not in force: the kernel keeps the rules it has. */
  readonly inForce: boolean;
  readonly outcomes: readonly ReportedOutcome[];
  /** The total number; `outcomes` are the likeliest ones. */
  readonly outcomeCount: number;
  /** The rules on the way. */
  readonly rules: readonly ReportedRule[];
  /** The total number; `rules` are those that most connections meet. */
  readonly ruleCount: number;
  /** Present if the request has it. */
  readonly live?: LiveResult;
}

/** How the chains and elements on the way compare with the kernel. */
export interface LiveResult {
  /** How many chains and elements were compared, including those of the answer's other connections in this family. */
  readonly chains: number;
  readonly elements: number;
  readonly differences: readonly Pick<Drift, 'kind' | 'action' | 'message'>[];
  /** What could not be compared, and why. */
  readonly notCompared: readonly string[];
}

/** The answer to a request of `trace`: the output of its `-o json`. */
export interface TraceAnswer {
  /** The worst fate first. */
  readonly connections: readonly TracedConnection[];
  /** How many more there are than `connections`. */
  readonly left: number;
  /** Where the rules come from, for people. */
  readonly origin: string;
}
