import process from 'node:process';
import { type Arguments, textOf } from '../config/arguments.ts';
import { requestDaemon } from '../control/control-socket.ts';
import type { DaemonModel } from '../daemon/answers/model-answer.ts';
import { ProxyError } from '../errors.ts';
import type { Log } from '../log.ts';
import { VERSION } from '../version.ts';
import { kernelDifferences, kernelLines } from './diff-kernel.ts';
import { sourceDifferences, sourceLines } from './diff-source.ts';
import { isForPrograms, printData } from './print-data.ts';
import { hasColours, signedText } from './signed-lines.ts';

/** Seconds for the daemon's answer. It converts a million elements to text in slices, between its other work. */
const PATIENCE = 60;

/** The exit codes of `diff`. */
const EXIT = { equal: 0, different: 1 } as const;

/**
 * `diff`: compares the kernel with the daemon's model, or the node with what another source would make of it. Sets the exit
 * code: 0 no difference, 1 differences.
 * @throws ProxyError E_NO_DAEMON, E_RUN_DIR for a daemon of another version, E_NFT_FAILED and the like, or errors of the
 * source
 */
export async function diff(args: Arguments, log: Log): Promise<void> {
  const files = textOf(args, 'filename');
  const { kubeconfig, master, manifests = files } = args;
  if (files !== undefined && (kubeconfig ?? master ?? args.manifests) !== undefined) {
    throw new ProxyError('E_USAGE', '-f and another source cannot be given together: choose one');
  }
  const hasSource = [kubeconfig, master, manifests].some((flag) => flag !== undefined);
  const request = () => requestModel(args.runDir);
  if (!hasSource) {
    const found = await kernelDifferences(request, args, log);
    await finish(
      args,
      found.some(({ differences }) => differences.length > 0),
      found,
      () => kernelLines(found),
    );
    return;
  }
  const found = await sourceDifferences(await request(), { ...args, manifests }, log);
  const isEqual =
    found.services.length === 0 && found.families.every(({ added, removed }) => added.length + removed.length === 0);
  await finish(args, !isEqual, found, () => sourceLines(found, args.output === 'wide'));
}

async function finish(
  args: Arguments,
  isDifferent: boolean,
  found: object,
  lines: () => Parameters<typeof signedText>[0],
): Promise<void> {
  process.exitCode = isDifferent ? EXIT.different : EXIT.equal;
  if (isForPrograms(args.output)) await printData(`${JSON.stringify(found, undefined, 2)}\n`, args.output);
  else process.stdout.write(signedText(lines(), hasColours()));
}

async function requestModel(runDir: string): Promise<DaemonModel> {
  const answer = await requestDaemon(runDir, '/model', PATIENCE);
  if (answer === undefined) {
    throw new ProxyError(
      'E_NO_DAEMON',
      `no daemon answers in ${runDir}, so there is nothing to compare with; to see what a daemon would write: kube-proxy-nft run --dry-run`,
    );
  }
  let model: Partial<DaemonModel> = {};
  try {
    model = JSON.parse(answer.toString());
  } catch {
    // Reported below: an older daemon does not know this request and sends nothing.
  }
  if (model.version !== VERSION) {
    const theirs = model.version === undefined ? 'another version' : `version ${model.version}`;
    throw new ProxyError('E_RUN_DIR', `the daemon in ${runDir} is ${theirs}, and this ${VERSION}: restart it`);
  }
  return model as DaemonModel;
}
