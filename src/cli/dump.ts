import process from 'node:process';
import { askDaemon } from '../control/control-socket.ts';
import { errnoOf, ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';
import { TABLE_NAMES } from '../nft/tables.ts';
import { dumpCommands } from '../ruleset/dump-json.ts';
import { dumpText } from '../ruleset/dump-text.ts';
import { document } from '../ruleset/transaction.ts';
import { Cluster } from '../service/cluster.ts';
import type { ApiFailure } from '../source/api/failure.ts';
import type { FamilyModel } from '../sync/family-model.ts';
import { VERSION } from '../version.ts';
import type { Arguments } from './arguments.ts';
import { createModels, supportedFamilies } from './models.ts';
import { namesSource, openSource } from './open-source.ts';

/** Seconds that --dump waits for a source to deliver the whole cluster. */
const SYNC_TIMEOUT = 20;

/** A model and the table it stands for. */
export interface DumpedModel {
  readonly model: FamilyModel;
  readonly table: string;
  /** False while the kernel is being filled or mended, and before the source has delivered everything. */
  readonly inForce: boolean;
}

/** --dump: the running daemon's ruleset, or, with a source and no daemon, the one that would be programmed. */
export async function dump(args: Arguments, log: Log): Promise<void> {
  const answer = await askDaemon(args.runDir, `/dump?output=${args.output}`);
  const text = answer ?? (await computeDump(args, log));
  process.stdout.on('error', (error) => {
    // The reader has seen enough ("| head").
    if (errnoOf(error) !== 'EPIPE') throw error;
  });
  process.stdout.write(text);
}

/** Both families' rulesets in the wanted form. `origin`: where they come from, for the heading. */
export function renderDump(models: readonly DumpedModel[], cluster: Cluster, output: string, origin: string): string {
  if (output === 'json') return document(models.flatMap(({ model, table }) => dumpCommands(model.ruleset, table)));
  return models
    .map(({ model, table, inForce }) => dumpText(model.ruleset, table, headings(model, cluster, origin, inForce)))
    .join('\n');
}

function headings(model: FamilyModel, cluster: Cluster, origin: string, inForce: boolean): readonly string[] {
  const { node, nodeName } = cluster;
  const counts = model.program.containers
    .filter((container) => model.ruleset.countOf(container) > 0)
    .map((container) => `${container.name} ${model.ruleset.countOf(container)}`);
  return [
    `kube-proxy-nft ${VERSION}, ${origin}`,
    `node ${nodeName}: ${node?.addresses.join(', ') || 'no addresses known'}`,
    ...(inForce ? [] : ['NOT IN FORCE (yet): the kernel goes on with what it holds until this is complete']),
    `elements: ${counts.join(', ') || 'none'}`,
  ];
}

async function computeDump(args: Arguments, log: Log): Promise<string> {
  if (!namesSource(args, process.env)) {
    throw new ProxyError(
      'E_NO_DAEMON',
      `no daemon answers in ${args.runDir}; start it, or give --kubeconfig or --manifests to see what it would program`,
    );
  }
  const stop = new AbortController();
  const last: { failure?: ApiFailure } = {};
  const { source } = openSource(args, process.env, log, (problem) => {
    last.failure = problem;
    // A server that is away may come back; one that refuses us will go on doing so.
    if (problem.status === 401 || problem.status === 403) stop.abort();
  });
  const cluster = new Cluster(args.nodeName);
  const timer = setTimeout(() => stop.abort(), SYNC_TIMEOUT * 1000);
  let synced = false;
  await source.run(
    {
      changed: (object) => cluster.set(object),
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
  const models = createModels(cluster, supportedFamilies(log), args, log).map((model) => {
    model.restart([]);
    while (model.isDirty) model.nextTransaction();
    return { model, table: TABLE_NAMES[0], inForce: true };
  });
  return renderDump(models, cluster, args.output, `as it would be programmed from ${source.description}`);
}
