import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { COMMANDS } from '../../src/cli/commands.ts';
import { parseArguments } from '../../src/cli/parse-arguments.ts';
import { type Ended, Place } from './program.ts';
import { agree, smallNode, stable } from './small-node.ts';

/** A command line, and all that it prints: stdout, stderr and the exit code. A line "…" stands for any number of lines. */
interface Golden {
  readonly command: string;
  readonly lines: readonly string[];
}

function read(file: string): readonly Golden[] {
  const text = readFileSync(join(import.meta.dirname, file), 'utf8');
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((block) => {
      const [command = '', ...lines] = block.trimEnd().split('\n');
      return { command, lines };
    });
}

/** While the daemon runs, in this order; and then without it. */
const BESIDE = read('golden/beside-the-daemon.txt');
const WITHOUT = read('golden/without-a-daemon.txt');

/** As in the file: what differs from place to place is the same. */
function shown({ stdout, stderr, exitCode }: Ended, place: Place): readonly string[] {
  const text = `${stdout}${stderr}`
    .replaceAll(place.folder, '/node')
    .replaceAll(`${hostname().toLowerCase()}: no daemon`, 'node-1: no daemon')
    .replace(/^[IWE]\d{4} [\d:.]+ +\d+\] /gm, 'LOG ');
  return stable([
    ...text
      .trimEnd()
      .split('\n')
      .filter((line, i) => i > 0 || line !== ''),
    `[${exitCode}]`,
  ]);
}

async function compare(all: readonly Golden[], place: Place): Promise<void> {
  for (const { command, lines } of all) {
    const ended = await place.run(command.split(' '), { wrapper: ['/usr/bin/env', '-C', place.folder] });
    const printed = shown(ended, place);
    assert.ok(agree(stable(lines), printed), `$ ${command}\n${printed.join('\n')}`);
  }
}

function nodeOf(context: TestContext) {
  const place = new Place(context);
  return { place, flags: smallNode(place) };
}

suite('what each command prints on a small node', () => {
  test('beside the daemon', async (context) => {
    const { place, flags } = nodeOf(context);
    await place.startDaemon(flags);
    await compare(BESIDE, place);
  });

  test('without a daemon, whose rules are there', async (context) => {
    const { place, flags } = nodeOf(context);
    await (await place.startDaemon(flags)).stop();
    await compare(WITHOUT, place);
  });

  test('is recorded for every command', () => {
    const recorded = new Set([...BESIDE, ...WITHOUT].map(({ command }) => parseArguments(command.split(' ')).command));
    assert.deepEqual(
      COMMANDS.map(({ name }) => name).filter((name) => !recorded.has(name)),
      [],
    );
  });
});
