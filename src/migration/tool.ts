import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { errnoOf } from '../errors.ts';
import { environment } from '../nft/run.ts';

/** Seconds. To remove 18,000 chains with 36,000 rules takes iptables-nft-restore 1.8.9 some ten on a busy machine. */
const TIME_LIMIT = 300;
/** Bytes of stdout: some 1.5 million iptables rules. */
const MAX_OUTPUT = 256 * 1024 * 1024;
/** stderr beyond this is dropped. */
const MAX_STDERR = 4096;

/** A tool of the operating system that is not there or did not do what it was told. The message is in its words. */
export class ToolError extends Error {
  readonly isMissing: boolean;

  constructor(message: string, isMissing = false) {
    super(message);
    this.name = 'ToolError';
    this.isMissing = isMissing;
  }
}

/**
 * Runs a tool (looked up in PATH and the sbin folders) to its end and returns its stdout. `input`: path of a file to
 * be its stdin.
 * @throws ToolError
 */
export async function runTool(argv: readonly string[], input?: string): Promise<string> {
  const [command = '', ...args] = argv;
  const file = input === undefined ? undefined : await open(input);
  try {
    return await new Promise<string>((resolve, reject) => {
      const child = spawn(command, args, { env: environment(), stdio: [file?.fd ?? 'ignore', 'pipe', 'pipe'] });
      const chunks: Buffer[] = [];
      let size = 0;
      let stderr = '';
      let problem: string | undefined;
      const kill = (why: string) => {
        problem ??= `${command} ${why} and was killed`;
        child.kill('SIGKILL');
      };
      const timer = setTimeout(() => kill(`took more than ${TIME_LIMIT} s`), TIME_LIMIT * 1000);
      child.stdout?.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_OUTPUT) kill(`printed more than ${MAX_OUTPUT} bytes`);
        else chunks.push(chunk);
      });
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        stderr = (stderr + text).slice(0, MAX_STDERR);
      });
      child.on('error', (error) => {
        clearTimeout(timer);
        reject(new ToolError(`${command} cannot be run: ${error.message}`, errnoOf(error) === 'ENOENT'));
      });
      child.on('close', (code, signal) => {
        clearTimeout(timer);
        if (problem !== undefined) reject(new ToolError(problem));
        else if (code === 0) resolve(Buffer.concat(chunks).toString());
        else reject(new ToolError(`${argv.join(' ')} failed: ${stderr.trim() || (signal ?? `exit code ${code}`)}`));
      });
    });
  } finally {
    await file?.close();
  }
}
