import type { Drift } from '../../../audit/drift.ts';
import type { FrontendKind } from '../../../service/frontend.ts';
import type { ConnectionVerdict } from '../../../status/connection-verdict.ts';
import type { TracedPacket } from '../../../trace/packet.ts';
import type { ReportedOutcome, ReportedRule } from '../../../trace/trace-report.ts';

/** The Service that answers on an address and port. */
export interface AnsweringService {
  readonly namespace: string;
  readonly name: string;
  /** The port's name; empty for the unnamed one. */
  readonly port: string;
  readonly kind: FrontendKind;
}

/** What becomes of connections from one client to one address and port. */
export interface TracedConnection extends ConnectionVerdict {
  readonly family: string;
  readonly protocol: string;
  readonly source: string;
  /** True if the source stands for others, since none was named. */
  readonly isExample: boolean;
  readonly from: TracedPacket['from'];
  /** Absent where it is not known, or none. */
  readonly interface?: string;
  readonly destination: string;
  /** Absent for protocols without ports. */
  readonly port?: number;
  /** Absent where no Service answers. */
  readonly service?: AnsweringService;
  /** True if it ends, once open, when its endpoint is gone (reset-gone-endpoints); absent if it does not. */
  readonly resetsGone?: true;
  /** "30s": in what time a new endpoint comes to its full share (slow-start); absent where it has that at once. */
  readonly slowStart?: string;
  /** False while its table, or the Service's last change, is not in force: the kernel keeps the rules it has. */
  readonly inForce: boolean;
  readonly outcomes: readonly ReportedOutcome[];
  /** How many there are: `outcomes` are the likeliest. */
  readonly outcomeCount: number;
  /** The rules on the way. */
  readonly rules: readonly ReportedRule[];
  /** How many there are: `rules` are those that most connections meet. */
  readonly ruleCount: number;
  /** Present if it was asked for. */
  readonly live?: LiveResult;
}

/** How what is on the way is in the kernel. */
export interface LiveResult {
  /** How many chains and elements were compared, those of the answer's other connections of the family included. */
  readonly chains: number;
  readonly elements: number;
  readonly differences: readonly Pick<Drift, 'kind' | 'action' | 'message'>[];
  /** What could not be compared, and why. */
  readonly notCompared: readonly string[];
}

/** The answer to a question of `trace`: what its `-o json` prints. */
export interface TraceAnswer {
  /** The worst fate first. */
  readonly connections: readonly TracedConnection[];
  /** How many more there are. */
  readonly left: number;
  /** Where the rules come from, for people. */
  readonly origin: string;
}
