import { type ChildProcess, spawn } from 'node:child_process';
import process from 'node:process';
import type { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import type { User } from '@kubernetes/client-node/dist/config_types.js';
import { ExecAuth } from '@kubernetes/client-node/dist/exec_auth.js';
import { errnoOf, messageOf, ProxyError } from '../../errors.ts';

const LONGEST_RUN_MS = 60_000;

/**
 * Lets an exec plugin (client.authentication.k8s.io ExecCredential) provide the credentials of `user`. client-node's own
 * ExecAuth runs it, but here the child gets no stdin and a time limit, and ends with `signal`. Otherwise a plugin that hangs
 * would make us wait, and keep the process alive, for ever.
 */
export function useExecPlugin(config: KubeConfig, user: User, signal: AbortSignal): void {
  const auth = new ExecAuth();
  const execFn = (command: string, args: readonly string[] | undefined, options: { env?: NodeJS.ProcessEnv }) => {
    // In its own process group, so that what a wrapper script has started ends with it.
    const child = spawn(command, args ?? [], { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    // Not spawn's own `timeout`, whose timer stays if the program cannot be started.
    const stop = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_RUN_MS)]);
    const kill = () => killGroup(child);
    stop.addEventListener('abort', kill, { once: true });
    child.once('close', () => stop.removeEventListener('abort', kill));
    return child;
  };
  // The field is private in the types. client-node's own tests set it in the same way.
  Object.assign(auth, { execFn });
  // One after the other, so that only the first of several requests runs the plugin. The others find its answer.
  let last: Promise<void> = Promise.resolve();
  config.addAuthenticator({
    isAuthProvider: ({ name }) => name === user.name,
    applyAuthentication: async (_user, options) => {
      const turn = last.then(() => {
        signal.throwIfAborted();
        return auth.applyAuthentication(user, options);
      });
      // The caller sees its own failure below.
      last = turn.catch(() => {});
      try {
        await turn;
      } catch (error) {
        const said = messageOf(error).trim() || 'it ended without a credential';
        throw new ProxyError('E_API_REFUSED', `the exec plugin ${user.exec.command} failed: ${said}`, { cause: error });
      }
    },
  });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}
