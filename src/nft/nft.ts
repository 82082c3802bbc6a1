import { closeSync, constants, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { SetDialect } from '../ruleset/affinity.ts';
import { NftError, runNft } from './run.ts';
import { SessionKeeper } from './session-keeper.ts';
import { isOlder } from './version.ts';

/** Seconds. A bounded transaction takes a fraction of one, so this is a machine in trouble. */
const LOAD_TIMEOUT = 60;
/** Seconds. Listing 150,000 elements takes nft 1.0.6 five on two cores. */
const LIST_TIMEOUT = 120;

/** The nft version that first reads `typeof` in the JSON declaration of a set. */
const TYPEOF_IN_JSON = '1.1.2';

/** As "w", but never through a link that somebody put in our way. */
const WRITE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/** The only way this program talks to the kernel. One instance serves one family; what writes must not overlap. */
export interface Nft {
  /** nft's number, "1.0.6": as its last listing had it, which spares a process, or as `nft --version` says. */
  version(): Promise<string>;
  /** How this nft wants sets declared in JSON. */
  setDialect(): Promise<SetDialect>;
  /** Loads an nft document (text form) as one transaction. */
  load(text: string): Promise<void>;
  /** Loads a libnftables JSON document as one transaction. */
  apply(json: string): Promise<void>;
  /** The objects that `nft -j list …` prints, without the metainfo. */
  list(...what: readonly string[]): Promise<readonly unknown[]>;
  /** The same without the elements of sets and maps. */
  listTerse(...what: readonly string[]): Promise<readonly unknown[]>;
  /**
   * From now on small documents go to a long-lived nft, as far as there is one at work. Resolves when it is or has
   * failed; never rejects, and need not be awaited. Does nothing the second time.
   */
  openSession(log: Log): Promise<void>;
  /** Ends that nft; it takes what is in flight to its end. */
  closeSession(): void;
}

/**
 * An Nft whose documents go through files in `runDir` named after `name`, mode 0600. The last one stays there, so
 * that an operator can look at what was sent. (A pipe will not do: `nft -j -f -` re-opens /dev/stdin, and Node's pipes
 * are sockets.) `nft`: the executable. Every method throws NftError.
 */
export function createNft(runDir: string, name: string, nft = 'nft'): Nft {
  const jsonPath = join(runDir, `${name}.json`);
  let keeper: SessionKeeper | undefined;
  // Synchronously (a run directory is in memory): nft starts before the caller goes on to prepare the next document.
  const write = (path: string, document: string) => {
    const file = openSync(path, WRITE_FLAGS, 0o600);
    try {
      writeFileSync(file, document);
    } finally {
      closeSync(file);
    }
  };
  const send = async (args: readonly string[], path: string, document: string) => {
    write(path, document);
    await runNft([...args, '-f', path], { nft, timeout: LOAD_TIMEOUT });
  };
  const apply = async (json: string) => {
    const session = keeper?.sessionFor(json);
    if (keeper === undefined || session === undefined) return send(['-j'], jsonPath, json);
    const outcome = session.transact(json);
    try {
      write(jsonPath, json);
      keeper.checkMemory(session);
    } finally {
      await outcome;
    }
  };
  let listedBy: string | undefined;
  const list = async (args: readonly string[]) => {
    const [metainfo, ...objects] = objectsIn((await runNft(args, { nft, timeout: LIST_TIMEOUT })).toString());
    listedBy = (metainfo as { metainfo?: { version?: string } } | undefined)?.metainfo?.version;
    return objects;
  };
  const version = async () => {
    if (listedBy !== undefined) return listedBy;
    const stdout = await runNft(['--version'], { nft, timeout: LOAD_TIMEOUT });
    return /v(\d+(?:\.\d+)+)/.exec(stdout.toString())?.[1] ?? '';
  };
  return {
    version,
    setDialect: async () => (isOlder(await version(), TYPEOF_IN_JSON) ? 'type' : 'typeof'),
    load: (text) => send([], join(runDir, `${name}.nft`), text),
    apply,
    list: (...what) => list(['-j', 'list', ...what]),
    listTerse: (...what) => list(['-j', '-t', 'list', ...what]),
    openSession: (log) => {
      keeper ??= new SessionKeeper({ nft, runDir, log });
      return keeper.open();
    },
    closeSession: () => keeper?.close(),
  };
}

/** The objects of a listing, the first of which is about nft. */
function objectsIn(listing: string): readonly unknown[] {
  try {
    const { nftables = [] }: { nftables?: unknown[] } = JSON.parse(listing);
    return nftables;
  } catch (error) {
    throw new NftError('unknown-outcome', `nft listed what is no JSON: ${messageOf(error)}`);
  }
}
