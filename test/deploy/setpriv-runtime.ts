import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { basename, dirname, join } from 'node:path';
import { SERVICE_ACCOUNT_DIRECTORY } from '../../src/source/api/kube-config.ts';
import type { ExecResult } from '../netns/namespaces.ts';
import type { World } from '../netns/world.ts';
import type { Container, SecurityContext } from './deployment.ts';
import type { Mounted, Runtime } from './pod.ts';

const BUILT = join(import.meta.dirname, '..', '..', 'dist', 'kube-proxy-nft');
/** All that is mounted is below /run: a test machine may not have the folders of a node, and is not given any. */
const EXECUTABLE = '/run/image/kube-proxy-nft';
const CONFIG_PATH = '/run/kube-proxy';
const RUN_DIR = '/run/kube-proxy-nft';

/**
 * Makes a mount namespace as a container runtime would: the root and /proc/sys read-only, /tmp and /run of its own, with
 * the executable $1, the configuration $2, the service account $3 and the run directory, which belongs to $4 as after the
 * init container. Becomes the rest of its arguments.
 */
const ENTER = `set -e
executable=$1 config=$2 account=$3 owner=$4
shift 4
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir -p ${RUN_DIR} ${dirname(EXECUTABLE)} ${CONFIG_PATH} ${SERVICE_ACCOUNT_DIRECTORY}
chown "$owner" ${RUN_DIR}
touch ${EXECUTABLE}
mount --bind "$executable" ${EXECUTABLE}
mount --bind "$config" ${CONFIG_PATH}
mount --bind "$account" ${SERVICE_ACCOUNT_DIRECTORY}
mount -t tmpfs tmpfs /tmp
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -o remount,bind,ro /
exec "$@"
`;

/** This machine's own system in the place of the image, with dist/kube-proxy-nft. */
export class SetprivRuntime implements Runtime {
  readonly configPath = CONFIG_PATH;
  readonly #world: World;
  #context: SecurityContext = {};
  #child: ChildProcess | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  start({ securityContext }: Container, args: readonly string[], { config, serviceAccount }: Mounted): ChildProcess {
    this.#context = securityContext;
    const confined = confine(securityContext, [EXECUTABLE, ...args]);
    const owner = String(securityContext.runAsUser);
    const argv = ['unshare', '--mount', 'sh', '-c', ENTER, 'sh', BUILT, config, serviceAccount, owner, ...confined];
    this.#child = this.#world.spawn('node', argv, { stdio: ['ignore', 'ignore', 'pipe'] });
    return this.#child;
  }

  exec([command = '', ...args]: readonly string[]): Promise<ExecResult> {
    const argv = confine(this.#context, [command === basename(EXECUTABLE) ? EXECUTABLE : command, ...args]);
    return this.#world.exec('node', ['nsenter', '--target', String(this.pid()), '--mount', ...argv]);
  }

  pid(): number {
    return this.#child?.pid ?? 0;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}

/** What a container runtime makes of a securityContext, but for the mounts: the argument vector that runs `argv` so. */
function confine(context: SecurityContext, argv: readonly string[]): readonly string[] {
  const { runAsUser = 0, runAsGroup = 0, capabilities = { drop: [], add: [] }, allowPrivilegeEscalation } = context;
  const names = [...capabilities.drop.map((name) => `-${name}`), ...capabilities.add.map((name) => `+${name}`)];
  return [
    'setpriv',
    `--reuid=${runAsUser}`,
    `--regid=${runAsGroup}`,
    '--clear-groups',
    // The machine's own nft has no file capabilities, as the image's has: ambient ones are handed on, too.
    `--inh-caps=${names.join().toLowerCase()}`,
    `--ambient-caps=${names.join().toLowerCase()}`,
    `--bounding-set=${names.join().toLowerCase()}`,
    ...(allowPrivilegeEscalation === false ? ['--no-new-privs'] : []),
    ...argv,
  ];
}
