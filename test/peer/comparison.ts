import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Round, Seen } from './asking.ts';
import type { Question } from './destinations.ts';

/** Something the two nodes do not have in common. */
export interface Difference {
  /** The question, or what else was compared. */
  readonly what: string;
  readonly question?: Question;
  /** Where a flow began that was open before the change, "ENDPOINT CLIENT", if it is about one. */
  readonly openFlow?: string;
  /** Whether a flow like the open one could begin now, on our node. */
  readonly couldBegin?: boolean;
  /** The endpoint that clients were bound to before the change, by session affinity, if it is about some. */
  readonly boundTo?: string;
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
}

const NOTHING: Seen = new Set();

export type Asker = (questions: readonly Question[], round: Round) => Promise<readonly Seen[]>;

/** Each adds to what was seen before, since endpoints are drawn at random: how many flows, and seconds until nothing is no answer. */
const ROUNDS = [
  { draws: 5, seconds: 0.25 },
  { draws: 15, seconds: 0.3 },
  { draws: 40, seconds: 0.5 },
] as const;

/** Milliseconds before each look that begins anew, for what was not in force yet, or was lost on a busy machine. */
const SECOND_LOOKS = [150, 400, 1_200, 3_000] as const;
const SECOND_LOOK = { draws: 60, seconds: 1 } as const;

export interface Compared {
  /** Questions with different answers to the end. */
  readonly different: readonly { readonly question: Question; readonly ours: Seen; readonly theirs: Seen }[];
  /** Questions whose answers became the same only after a while, with what was seen before. */
  readonly late: readonly { readonly question: Question; readonly ours: Seen; readonly theirs: Seen }[];
  /** Questions that an endpoint answered, on both nodes. */
  readonly answered: readonly Question[];
}

export interface Askers {
  readonly ours: Asker;
  readonly theirs: Asker;
  /** See Round. */
  readonly nextNumber: () => number;
  /** Lets both nodes forget what they saw; before a second look. */
  readonly forget: () => Promise<void>;
  /** Whether a difference needs no second look. */
  readonly isExplained: (question: Question, ours: Seen, theirs: Seen) => boolean;
  /** Whether our node may show some of the endpoints only, of those that the other one has. */
  readonly isUneven?: (question: Question) => boolean;
}

/** Asks both nodes until their answers agree, or do not after all looks. */
export async function compare(questions: readonly Question[], askers: Askers): Promise<Compared> {
  const { ours, theirs, nextNumber, forget, isExplained, isUneven = () => false } = askers;
  const seen = new Map(questions.map((question) => [question, [new Set<string>(), new Set<string>()] as const]));
  const look = async (asked: readonly Question[], { draws, seconds }: { draws: number; seconds: number }) => {
    const round = { draws, seconds, number: nextNumber() };
    const answers = await Promise.all([ours(asked, round), theirs(asked, round)]);
    for (const [i, question] of asked.entries()) {
      for (const [side, sets] of answers.entries()) {
        for (const text of sets[i] ?? []) seen.get(question)?.[side === 0 ? 0 : 1].add(text);
      }
    }
    return asked.filter((question) => {
      const [one, other] = seen.get(question) ?? [NOTHING, NOTHING];
      if (isUneven(question) && one.size > 0) return ![...one].every((text) => other.has(text));
      return !isDeepStrictEqual(one, other);
    });
  };
  let open: readonly Question[] = questions;
  for (const round of ROUNDS) if (open.length > 0) open = await look(open, round);
  const sets = (question: Question) => seen.get(question) ?? ([new Set<string>(), new Set<string>()] as const);
  const explained = open.filter((question) => isExplained(question, ...sets(question)));
  open = open.filter((question) => !explained.includes(question));
  const doubtful = open.map((question) => {
    const [one, other] = sets(question);
    return { question, ours: new Set(one), theirs: new Set(other) };
  });
  for (const wait of SECOND_LOOKS) {
    if (open.length === 0) break;
    await delay(wait);
    await forget();
    for (const question of open) for (const set of sets(question)) set.clear();
    open = await look(open, SECOND_LOOK);
  }
  const last = open;
  return {
    different: [...explained, ...last].map((question) => {
      const [one, other] = sets(question);
      return { question, ours: one, theirs: other };
    }),
    late: doubtful.filter(({ question }) => !last.includes(question)),
    answered: questions.filter((question) =>
      sets(question).every((set) => [...set].some((text) => text.includes(' sees '))),
    ),
  };
}
