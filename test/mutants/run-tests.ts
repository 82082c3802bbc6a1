import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

/** How one run of test files ended. */
export interface TestRun {
  /** `timeout`: it was ended after `limitMs`. */
  readonly outcome: 'passed' | 'failed' | 'timeout';
  /** The first test that failed, or how the process ended. */
  readonly failure?: string;
  readonly milliseconds: number;
}

export interface TestRunOptions {
  /** Milliseconds. */
  readonly limitMs: number;
  /** A module's path, from the repository's root, and the text it gets in place of its own. */
  readonly substitute?: { readonly path: string; readonly text: string };
  /** Where V8 writes which code ran. */
  readonly coverageDirectory?: string;
}

/** What is not part of the repository. */
export const CACHE = '.cache/mutants';
/** A mutant may collect without end. */
const HEAP_MEGABYTES = 1024;
const SUBSTITUTE = pathToFileURL(join(import.meta.dirname, 'substitute.ts')).href;

/**
 * Runs test files in one process, which is ended with its children at the first failure or after `limitMs`. Network
 * namespaces it leaves behind are removed by the next test that makes some.
 */
export async function runTests(files: readonly string[], options: TestRunOptions): Promise<TestRun> {
  const begun = performance.now();
  mkdirSync(CACHE, { recursive: true });
  const temporary = resolve(mkdtempSync(join(CACHE, 'tmp-')));
  const program = spawn(
    process.execPath,
    [
      `--max-old-space-size=${HEAP_MEGABYTES}`,
      '--test-reporter=tap',
      join(import.meta.dirname, 'in-one-process.ts'),
      ...files,
    ],
    {
      // A group of its own, so that its children end with it.
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {
        ...process.env,
        // Set where a test runs this: what it starts would report in a form for the test runner.
        NODE_TEST_CONTEXT: undefined,
        // Not an argument: Node programs that a test starts meet the mutant as well.
        NODE_OPTIONS: `--import=${SUBSTITUTE}`,
        TMPDIR: temporary,
        NODE_COMPILE_CACHE: resolve(CACHE, 'compiled'),
        ...(options.substitute === undefined
          ? {}
          : { MUTANT_URL: pathToFileURL(resolve(options.substitute.path)).href, MUTANT_TEXT: options.substitute.text }),
        ...(options.coverageDirectory === undefined ? {} : { NODE_V8_COVERAGE: options.coverageDirectory }),
      },
    },
  );
  const { pid } = program;
  if (pid === undefined) throw new Error(`${process.execPath} could not be started`);
  let outcome: TestRun['outcome'] = 'passed';
  let failure: string | undefined;
  const end = (why: 'failed' | 'timeout', what: string) => {
    if (failure !== undefined) return;
    outcome = why;
    failure = what;
    killGroup(pid);
  };
  const ended = new Promise<void>((done, fail) => {
    program.once('error', fail);
    program.once('close', (code, signal) => {
      if (code !== 0 && failure === undefined) {
        outcome = 'failed';
        failure = code === null ? `signal ${signal}` : `exit code ${code}`;
      }
      done();
    });
  });
  const timer = setTimeout(() => end('timeout', `no end after ${options.limitMs} ms`), options.limitMs);
  createInterface({ input: program.stdout }).on('line', (line) => {
    const name = /^\s*not ok \d+ - (.*)$/.exec(line)?.[1];
    if (name !== undefined && !/# (?:TODO|SKIP)\b/.test(name)) end('failed', name);
  });
  try {
    await ended;
  } finally {
    clearTimeout(timer);
    killGroup(pid);
    rmSync(temporary, { recursive: true, force: true });
  }
  const milliseconds = Math.round(performance.now() - begun);
  return failure === undefined ? { outcome, milliseconds } : { outcome, failure, milliseconds };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // All of them have ended already.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
