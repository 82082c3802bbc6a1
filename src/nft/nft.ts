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
 * Seconds. Bounded transactions take 0.13 (0.25 in a first fill) on two cores, and 0.8 where ten others want these cores:
 * whatever takes longer than this holds a document that nft does not manage, or the machine does not manage nft.
 */
const LOAD_TIMEOUT = 20;
/** Seconds. Listing 150,000 elements takes nft 1.0.6 five on two cores. */
const LIST_TIMEOUT = 120;

/** The only way this program talks to the kernel. One instance serves one family; what writes must not overlap. */
export interface Nft {
  /** nft's number, "1.0.6": as its last listing had it, which spares a process, or as `nft --version` says. */
  version(): Promise<string>;
  /** How this nft wants sets declared in JSON. */
  setSyntax(): Promise<SetSyntax>;
  /** Loads an nft document (text form, without comments and without line ends in strings) as one transaction. */
  load(text: string): Promise<void>;
  /** Loads a libnftables JSON document as one transaction. */
  apply(json: string): Promise<void>;
  /** The objects that `nft -j list …` prints, without the metainfo. Chains cost next to nothing once a session is open. */
  list(...what: readonly string[]): Promise<readonly unknown[]>;
  /** The lines that `nft list …` prints, each as it comes. What `onLine` throws ends it. */
  listText(onLine: (line: string) => void, ...what: readonly string[]): Promise<void>;
  /** The lines that `nft ARGS` prints, an `args` that only reads. `timeout`: seconds until it is ended. See runNftLines. */
  look(
    onLine: (line: string) => void,
    args: readonly string[],
    timeout: number,
    options?: Pick<LinesOptions, 'known' | 'onFirst'>,
  ): Promise<Printed>;
  /** The objects as `list` has them, without the elements of sets and maps. */
  listTerse(...what: readonly string[]): Promise<readonly unknown[]>;
  /**
   * From now on small documents and listings of chains go to a long-lived nft, as far as there is one at work. Resolves
   * when it is or has failed; never rejects, and need not be awaited. Does nothing the second time.
   */
  openSession(log: Log): Promise<void>;
  /** Ends that nft; it takes what is in flight to its end. */
  closeSession(): void;
}

/**
 * An Nft that leaves the documents it fails with in `runDir`, named after `name`, if that can be. It works without that
 * folder, which also tells its processes from others. `nft`: the executable. `sessions`: shared by several; default: one of
 * its own once openSession is called. `listTimeout`: seconds for a listing. Every method throws NftError.
 */
export function createNft(
  runDir: string,
  name: string,
  nft = 'nft',
  sessions?: SessionKeeper,
  listTimeout = LIST_TIMEOUT,
): Nft {
  let keeper = sessions;
  /** `line`: the document as a session takes it. */
  const send = (args: readonly string[], document: string, line = document) => {
    const byProcess = () => load(args, document, { nft, runDir, timeout: LOAD_TIMEOUT });
    if (keeper === undefined || !NftSession.takes(line)) return byProcess();
    return keeper.use((session) => session.transact(line), byProcess);
  };
  /** Fails as `loading` does, with a word on where the document is. */
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
      // Others may be large: nobody else is to wait for them.
      if (keeper === undefined || what[0] !== 'chains') return read(await byProcess());
      // A listing that failed can be asked for again, unlike a transaction.
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

/** A document in text form as an interactive nft takes it: it ends at a line end, and completes at a tab. */
function inOneLine(text: string): string {
  return text.replaceAll('\t', ' ').replaceAll('\n', ';');
}
