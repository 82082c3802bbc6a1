import process from 'node:process';
import { askDaemon } from '../control/control-socket.ts';
import { ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';
import { createNft } from '../nft/nft.ts';
import { explainNftError } from '../nft/probe.ts';
import { NftError } from '../nft/run.ts';
import { findTables, foundElements, readTable, TABLE_NAMES, type TableName } from '../nft/tables.ts';
import type { Element } from '../ruleset/element.ts';
import { Cluster } from '../service/cluster.ts';
import { atOnce } from '../service/steps.ts';
import type { ApiFailure } from '../source/api/failure.ts';
import type { Connections } from '../status/connections.ts';
import type { Status } from '../status/status.ts';
import type { FamilyModel } from '../sync/family-model.ts';
import { liveTable } from '../sync/fill.ts';
import { Shortfalls } from '../sync/shortfalls.ts';
import { AddressGuard } from './address-guard.ts';
import { type Arguments, textOf } from './arguments.ts';
import { asConfigured } from './as-configured.ts';
import { servedFamilies } from './families.ts';
import type { StateReport } from './last-state.ts';
import { createModels } from './models.ts';
import { namesSource, openSource } from './open-source.ts';
import { settle } from './settle.ts';

/** Seconds that a question waits for a source to deliver the whole cluster. */
const SYNC_TIMEOUT = 20;

/** A model and the table it stands for. */
export interface ModelInTable {
  readonly model: Pick<FamilyModel, 'family' | 'program' | 'ruleset' | 'frontendsOf' | 'isPending'>;
  readonly table: TableName;
  /** False while the kernel is being filled or mended, and before the source has delivered everything. */
  readonly inForce: boolean;
}

/** What answers are made from. */
export interface Knowledge {
  readonly models: readonly ModelInTable[];
  readonly cluster: Cluster;
  /** What is not served as it asks. */
  readonly shortfalls: Shortfalls;
  /** What is kept on the disk, and whether it is served from; absent where no daemon answers. */
  readonly state?: StateReport;
  /** How a daemon is, for `status`; `look`: it is to compare the kernel with the model now. Absent where none answers. */
  readonly status?: (look: boolean) => Status;
  /** New connections as the kernel has counted them; absent where no daemon answers. */
  readonly connections?: (withFrontends: boolean) => Promise<Connections>;
  /** Present where all is known from the kernel alone: what stands for the flags, of which it knows nothing. */
  readonly inKernel?: Pick<Arguments, 'podCidrs' | 'detectLocal' | 'nodePortAddresses'>;
  /** Where it comes from, for people: "the running daemon (pid 7), from manifests in /etc/…". */
  readonly origin: string;
}

/**
 * The answer of the running daemon to `path`; without one, and with a source, what `answer` makes of what would be
 * programmed from there; without either, of what the kernel still holds, where the question allows for that.
 * @throws ProxyError E_NO_DAEMON if there is neither, E_ALREADY_RUNNING if flags name a source beside a daemon, E_RUN_DIR, or
 * what is wrong with the source
 */
export async function askOrWorkOut(
  args: Arguments,
  path: string,
  answer: (known: Knowledge) => Promise<string>,
  log: Log,
  { patience, asInKernel = false, fromKernel }: QuestionOptions = {},
): Promise<string | Buffer> {
  const named = sourceFlags(args);
  if (named.length > 0 && (await askDaemon(args.runDir, '/state')) !== undefined) throw refusal(args, named);
  const told = await askDaemon(args.runDir, path, patience);
  if (told !== undefined) return told;
  if (namesSource(args, process.env)) return answer(await workOut(args, log, asInKernel));
  const known = await fromKernel?.(args, log).catch((error: unknown) => {
    if (!(error instanceof NftError)) throw error;
    throw noDaemon(args, `; what the kernel holds is not known, either: ${explainNftError(error).message}`);
  });
  if (known === undefined) {
    const why =
      fromKernel === undefined ? 'what the kernel holds: nft list ruleset' : 'the kernel has no rules of this version';
    throw noDaemon(args, `; ${why}`);
  }
  return answer(known);
}

export interface QuestionOptions {
  /** Seconds that the daemon has. */
  readonly patience?: number;
  /** What is known without a source, too; undefined if nothing is. */
  readonly fromKernel?: (args: Arguments, log: Log) => Promise<Knowledge | undefined>;
  /** True if what would be programmed goes on from what the kernel holds, as a start does: endpoints keep their slots. */
  readonly asInKernel?: boolean;
}

/** The flags that name a source, each with its value. */
export function sourceFlags(args: Arguments): readonly string[] {
  return ['config', 'kubeconfig', 'master', 'manifests'].flatMap((name) => {
    const value = textOf(args, name);
    return value === undefined ? [] : `--${name} ${value}`;
  });
}

/** The daemon would answer by its own source, which would be taken for the other one. */
function refusal({ command, runDir }: Arguments, named: readonly string[]): ProxyError {
  const what = named.join(' ');
  return new ProxyError(
    'E_ALREADY_RUNNING',
    `${command} ${what}: a daemon runs (asked in ${runDir}), and has a source of its own: leave that out to see what is ` +
      `programmed. What it would change on this node: kube-proxy-nft diff ${what}. What it would make of a node without ` +
      `a daemon: with a --run-dir of its own`,
  );
}

/** `more`: what else there is to say. */
function noDaemon({ runDir }: Arguments, more = ''): ProxyError {
  return new ProxyError(
    'E_NO_DAEMON',
    `no daemon answers in ${runDir}; start it, or give --kubeconfig or --manifests to see what it would program${more}`,
  );
}

async function workOut(args: Arguments, log: Log, asInKernel: boolean): Promise<Knowledge> {
  const { cluster, shortfalls, description } = await readCluster(args, log);
  const models: ModelInTable[] = [];
  for (const model of createModels(cluster, servedFamilies(log), args, log, undefined, shortfalls)) {
    settle(model, asInKernel ? await foundFor(model, args) : []);
    models.push({ model, table: TABLE_NAMES[0], inForce: true });
  }
  return { models, cluster, shortfalls, origin: `as it would be programmed from ${description}` };
}

/** A cluster as a source has it. */
export interface ReadCluster {
  readonly cluster: Cluster;
  readonly shortfalls: Shortfalls;
  /** Of the source: "manifests in /etc/…". */
  readonly description: string;
}

/**
 * The whole cluster from the source that the flags or the environment name. `complete` may add what the source does not have.
 * @throws ProxyError E_NO_SOURCE if none is named, or what is wrong with it
 */
export async function readCluster(
  args: Arguments,
  log: Log,
  complete: (cluster: Cluster) => void = () => undefined,
): Promise<ReadCluster> {
  const stop = new AbortController();
  const last: { failure?: ApiFailure } = {};
  const onProblem = (problem: ApiFailure) => {
    last.failure = problem;
    // A server that is away may come back; one that refuses us will go on doing so.
    if (problem.status === 401 || problem.status === 403) stop.abort();
  };
  const { source, apiServerHost, apiServerPort } = openSource(args, process.env, log, { onProblem });
  const cluster = new Cluster(args.nodeName, args);
  const timer = setTimeout(() => stop.abort(), SYNC_TIMEOUT * 1000);
  let synced = false;
  await source.run(
    {
      changed: (object) => cluster.set(asConfigured(object, args)),
      deleted: (kind, key) => cluster.delete(kind, key),
      synced: () => {
        synced = true;
        stop.abort();
      },
    },
    stop.signal,
  );
  clearTimeout(timer);
  if (!synced) {
    const { failure } = last;
    if (failure !== undefined) throw new ProxyError(failure.code, failure.message.replace('; retrying', ''));
    throw new ProxyError(
      'E_API_UNREACHABLE',
      `${source.description} did not deliver all Services in ${SYNC_TIMEOUT} s`,
    );
  }
  complete(cluster);
  atOnce(cluster.settleNodesSteps());
  const shortfalls = new Shortfalls({ log });
  new AddressGuard({ cluster, args, shortfalls, apiServerHost, apiServerPort }).begin();
  return { cluster, shortfalls, description: source.description };
}

/** What a start would find in the kernel and go on from. @throws ProxyError E_NFT_MISSING, E_NFT_NOT_PERMITTED, E_NFT_FAILED */
async function foundFor(model: FamilyModel, { runDir }: Arguments): Promise<readonly Element[]> {
  const nft = createNft(runDir, 'question');
  try {
    const live = liveTable(await findTables(nft, model.family), model);
    return live === undefined ? [] : foundElements(await readTable(nft, model.program, live.name));
  } catch (error) {
    throw error instanceof NftError ? explainNftError(error) : error;
  }
}
