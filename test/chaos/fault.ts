import type { Draws } from '../peer/draws.ts';
import type { Arena } from './arena.ts';

/** What was done, and how to tell that it is undone. */
export interface Injected {
  /** "ip nat-prerouting: rule 12 deleted" */
  readonly what: string;
  /** True when the daemon has undone it. Default: at once; that changes come into force again is looked at anyway. */
  readonly isRepaired?: () => Promise<boolean>;
}

/** A kind of fault. */
export interface Fault {
  /** Short, in kebab-case: for the table and `--only`. */
  readonly kind: string;
  /** What happens, for readers of the table. */
  readonly what: string;
  /** True if connections may be lost until it is repaired; false: none, ever. */
  readonly harms: boolean;
  /** True if the daemon has to tell of it: a warning, an error, a counter. */
  readonly isTold: boolean;
  /** Does it, with what it needs drawn from `draws`. Whatever goes on for a while is over when this resolves. */
  readonly inject: (arena: Arena, draws: Draws) => Promise<Injected>;
}
