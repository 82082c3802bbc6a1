import { isOlder } from './version.ts';

/**
 * Something that not all versions of nft do, or that their manual does not say, and what we do about it. docs/nft-quirks.md
 * lists them all.
 */
export interface Quirk {
  /** The first version that does it; absent: the oldest version we know. */
  readonly from?: string;
  /** The first version that no longer does it; absent: the newest version still does. */
  readonly before?: string;
  /** What nft does. */
  readonly behaviour: string;
  /** What we do about it, and where. */
  readonly consequence: string;
}

/**
 * Tried with nft 1.0.6, 1.1.3 and 1.1.7. The boundary 1.1.2 is from nft's own history. 1.1.3 means that 1.0.6 does it, and
 * 1.1.3 is the next version that was tried.
 */
export const QUIRKS = {
  cannotReadProgram: {
    before: '1.0.1',
    behaviour: 'cannot read the `typeof` maps of the program',
    consequence: 'refused at the start with E_NFT_TOO_OLD (`nft/probe.ts`)',
  },
  untested: {
    before: '1.0.6',
    behaviour: 'has never been tried with this program',
    consequence: 'a warning at the start, and a finding of `check` (`nft/probe.ts`)',
  },
  noTypeofInJson: {
    before: '1.1.2',
    behaviour: 'does not know `typeof` or the flag `dynamic` in the JSON declaration of a set or map',
    consequence:
      'the program is loaded as text (`ruleset/program/program-text.ts`); a set that comes later is declared by `type` ' +
      '(`nft/json/set-json.ts`)',
  },
  losesTypeofOfVerdictMaps: {
    from: '1.1.3',
    behaviour: 'loses the `typeof` of a map’s key where JSON declares its data as the plain word "verdict"',
    consequence: 'the data of a verdict map is declared as the `typeof` of a verdict (`nft/json/program-json.ts`)',
  },
  crashesOnType: {
    before: '1.1.3',
    behaviour: 'crashes at every listing if a set was declared with `type` by nft 1.1.3 or newer',
    consequence: 'every set and map is declared with `typeof` where nft can do so',
  },
  crashesOnJhash: {
    before: '1.1.3',
    behaviour: 'crashes at each listing if a map is declared with a `jhash` in its key',
    consequence: 'maps are declared with a number of slots, and only rules hash (`ruleset/program/pick-chain.ts`)',
  },
  abortsOnClientMaps: {
    behaviour:
      '(1.0.6; newer versions were not tried) aborts on a map from IPv6 clients to endpoints, and cannot update a map in JSON',
    consequence: 'session affinity has a set of clients for each endpoint (`ruleset/program/affinity.ts`)',
  },
  noAnonymousMaps: {
    before: '1.1.3',
    behaviour: 'cannot read the anonymous maps that nft 1.1 writes',
    consequence:
      'session affinity draws one endpoint after the other, with a rule for each (`ruleset/program/affinity.ts`)',
  },
  noConcatInJhash: {
    behaviour:
      '(1.0.6; newer versions were not tried) has no JSON form for a `jhash` of several fields, and finds registers for 24 bytes at most',
    consequence: 'connection-hash hashes adjoining bits of the network header (`ruleset/elements/packet-fields.ts`)',
  },
  crashesOnCatchAllIntervals: {
    behaviour: '(1.0.6; newer versions were not tried) crashes at an element `*` in an interval set',
    consequence: 'no such element is written; networks of length 0 are written as two halves (`daemon/models.ts`)',
  },
  readsAllChains: {
    before: '1.1.2',
    behaviour: 'reads every chain of the network namespace for each transaction',
    consequence:
      'a pick chain is created when it is first needed (`ruleset/program/pick-chain.ts`); a warning names the tables of ' +
      'other programs that make changes slow (`nft/slow-transactions.ts`)',
  },
  readsAllElements: {
    behaviour: 'reads every element for `list tables`, for a listing of one chain or one counter, and with `-t`',
    consequence: 'tables are found by `list chains` (`nft/tables.ts`); rules of all tables are read in one listing',
  },
  keepsInputInMemory: {
    behaviour: 'an interactive nft keeps every line it has read, and goes through all of them for each new one',
    consequence: 'a session is replaced after 1,000 transactions or 2 MiB (`nft/session.ts`)',
  },
  readsOnFromDash: {
    behaviour: 'reads `-f -` from where the writer of a file stopped, not from its beginning, in some versions',
    consequence: 'input is given as /proc/self/fd/0 (`nft/run.ts`)',
  },
  warnsAtStart: {
    from: '1.1.0',
    behaviour: 'begins its stderr with warnings if its run directory is gone',
    consequence: 'warnings before a complaint or an acknowledgement are ignored (`nft/run.ts`)',
  },
} as const satisfies Readonly<Record<string, Quirk>>;

/** Whether this version of nft ("1.0.6") does it. An unreadable version counts as the oldest. */
export function hasQuirk(version: string, { from, before }: Quirk): boolean {
  return (from === undefined || !isOlder(version, from)) && (before === undefined || isOlder(version, before));
}
