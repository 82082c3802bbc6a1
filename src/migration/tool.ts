import { open } from 'node:fs/promises';
import { ProcessError, runProcess } from '../host/process.ts';

/** Seconds. iptables-nft-restore 1.8.9 takes about ten to remove 18,000 chains with 36,000 rules on a busy machine. */
const TIME_LIMIT = 300;
/** Bytes of stdout: some 1.5 million iptables rules. */
const MAX_OUTPUT = 256 * 1024 * 1024;

/** A tool of the operating system is missing or failed. The message contains its own error. */
export class ToolError extends Error {
  readonly isMissing: boolean;

  constructor(message: string, isMissing = false) {
    super(message);
    this.name = 'ToolError';
    this.isMissing = isMissing;
  }
}

/**
 * Runs a tool (found in PATH and the sbin folders) and returns its stdout. `input`: the path of a file for its stdin.
 * @throws ToolError
 */
export async function runTool(argv: readonly string[], input?: string): Promise<string> {
  const file = input === undefined ? undefined : await open(input);
  try {
    const { code, signal, stdout, stderr } = await runProcess(argv, {
      timeLimit: TIME_LIMIT,
      maxOutput: MAX_OUTPUT,
      ...(file !== undefined && { stdin: file.fd }),
    });
    if (code === 0) return stdout.toString();
    throw new ToolError(`${argv.join(' ')} failed: ${stderr.trim() || (signal ?? `exit code ${code}`)}`);
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error;
    throw new ToolError(`${argv[0]} ${error.message}`, error.failure === 'missing');
  } finally {
    await file?.close();
  }
}
