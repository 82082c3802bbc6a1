import { join } from 'node:path';
import type { Log } from '../log.ts';
import { leaveInput, load } from './input.ts';
import { objectsIn } from './json/listing.ts';
import type { SetSyntax } from './json/set-json.ts';
import { hasQuirk, QUIRKS } from './quirks.ts';
import { type LinesOptions, NftError, type Printed, runNft, runNftLines } from './run.ts';
import { NftSession } from './session.ts';
import { SessionKeeper } from './session-keeper.ts';

/**
 * Seconds. Bounded transactions take 0.13 (0.25 in a first fill) on two cores, and 0.8 if ten other processes want these
 * cores. If one takes longer than this limit, nft cannot handle the document, or the machine cannot handle nft.
 */
const LOAD_TIMEOUT = 20;
/** Seconds. nft 1.0.6 takes five on two cores to list 150,000 elements. */
const LIST_TIMEOUT = 120;

/**
 * The only way in which this program talks to the kernel. One instance serves one family. Calls that write must not overlap.
 */
export interface Nft {
  /** The version of nft, "1.0.6": from its last listing, which saves a process, or from `nft --version`. */
  version(): Promise<string>;
  /** How this nft wants sets to be declared in JSON. */
  setSyntax(): Promise<SetSyntax>;
  /** Loads an nft document as one transaction (text form, without comments and without line ends in strings). */
  load(text: string): Promise<void>;
  /** Loads a libnftables JSON document as one transaction. */
  apply(json: string): Promise<void>;
  /**
   * The objects that `nft -j list …` prints, without metainfo. Listing chains costs next to nothing once a session is open.
   */
  list(...what: readonly string[]): Promise<readonly unknown[]>;
  /** The lines that `nft list …` prints, each as it arrives. If `onLine` throws, this ends. */
  listText(onLine: (line: string) => void, ...what: readonly string[]): Promise<void>;
  /** The lines that `nft ARGS` prints, for `args` that only read. `timeout`: seconds until it is killed. See runNftLines. */
  look(
    onLine: (line: string) => void,
    args: readonly string[],
    timeout: number,
    options?: Pick<LinesOptions, 'known' | 'onFirst'>,
  ): Promise<Printed>;
  /** Like `list`, without the elements of sets and maps. */
  listTerse(...what: readonly string[]): Promise<readonly unknown[]>;
  /**
   * From now on, small documents and listings of chains go to a long-lived nft while one is available. Resolves when it is
   * ready or has failed. It never rejects, and need not be awaited. Further calls do nothing.
   */
  openSession(log: Log): Promise<void>;
  /** Ends that nft, after the transaction in flight. */
  closeSession(): void;
}

/**
 * Creates an Nft. It saves documents that fail in `runDir`, in files named after `name`, if possible. The folder need not
 * exist; it also distinguishes our processes from others. `nft`: the executable. `sessions`: shared by several instances;
 * default: its own, once openSession is called. `listTimeout`: seconds for a listing. Every method throws NftError.
 */
export function createNft(
  runDir: string,
  name: string,
  nft = 'nft',
  sessions?: SessionKeeper,
  listTimeout = LIST_TIMEOUT,
): Nft {
  let keeper = sessions;
  /** `line`: the document in the form for a session. */
  const send = (args: readonly string[], document: string, line = document) => {
    const byProcess = () => load(args, document, { nft, runDir, timeout: LOAD_TIMEOUT });
    if (keeper === undefined || !NftSession.takes(line)) return byProcess();
    return keeper.use((session) => session.transact(line), byProcess);
  };
  /** Fails like `loading`, and adds where the document is. */
  const leave = async (file: string, document: string, loading: Promise<void>) => {
    try {
      await loading;
    } catch (error) {
      if (!(error instanceof NftError)) throw error;
      const message = `${error.message} (${leaveInput(join(runDir, file), document)})`;
      throw new NftError(error.failure, message, error.isTooSlow);
    }
  };
  let listedBy: string | undefined;
  const read = (listing: string) => {
    const [metainfo, ...objects] = objectsIn(listing);
    listedBy = (metainfo as { metainfo?: { version?: string } } | undefined)?.metainfo?.version;
    return objects;
  };
  const list = async (args: readonly string[]) => (await runNft(args, { nft, timeout: listTimeout })).toString();
  const version = async () => {
    if (listedBy !== undefined) return listedBy;
    const stdout = await runNft(['--version'], { nft, timeout: LOAD_TIMEOUT });
    return /v(\d+(?:\.\d+)+)/.exec(stdout.toString())?.[1] ?? '';
  };
  return {
    version,
    setSyntax: async () => (hasQuirk(await version(), QUIRKS.noTypeofInJson) ? 'type' : 'typeof'),
    load: (text) => leave(`${name}.nft`, text, send([], text, inOneLine(text))),
    apply: (json) => leave(`${name}.json`, json, send(['-j'], json)),
    list: async (...what) => {
      const byProcess = () => list(['-j', 'list', ...what]);
      // Other listings may be long, and nobody should wait for them.
      if (keeper === undefined || what[0] !== 'chains') return read(await byProcess());
      // Unlike a transaction, a failed listing can be repeated.
      return read(await keeper.use((session) => session.list(what).catch(byProcess), byProcess));
    },
    listText: async (onLine, ...what) => {
      await runNftLines(['list', ...what], { nft, timeout: listTimeout }, onLine, { outputIn: runDir });
    },
    look: (onLine, args, seconds, options) =>
      runNftLines(args, { nft, timeout: seconds }, onLine, { outputIn: runDir, ...options }),
    listTerse: async (...what) => read(await list(['-j', '-t', 'list', ...what])),
    openSession: (log) => {
      keeper ??= new SessionKeeper({ nft, runDir, log });
      return keeper.open();
    },
    closeSession: () => keeper?.close(),
  };
}

/** A document in text form for an interactive nft, which ends it at a line end, and completes words at a tab. */
function inOneLine(text: string): string {
  return text.replaceAll('\t', ' ').replaceAll('\n', ';');
}
