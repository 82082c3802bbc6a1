import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { castOf, textOf } from '../scripts/demo/cast.ts';
import { demoFolder, LAST_COMMANDS } from '../scripts/demo/node.ts';
import { eventually } from './builders/eventually.ts';
import { agree, stable } from './cli/small-node.ts';
import { listNamespaces, NAMESPACE_PREFIX } from './netns/namespaces.ts';

const ROOT = join(import.meta.dirname, '..');

/** A demo that runs. */
interface RunningDemo {
  readonly child: ChildProcess;
  readonly output: { text: string };
}

function startDemo(context: TestContext, flags: readonly string[]): RunningDemo {
  const argv = [join(ROOT, 'scripts', 'demo.ts'), ...flags];
  const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  context.after(() => child.kill());
  const output = { text: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.text += text;
  });
  return { child, output };
}

/** Its namespaces and its folder. */
function thingsOf({ child }: RunningDemo): readonly string[] {
  const { pid } = child;
  assert.ok(pid !== undefined);
  return [
    ...listNamespaces().filter((name) => name.startsWith(`${NAMESPACE_PREFIX}${pid}-`)),
    ...readdirSync(tmpdir()).filter((name) => name.startsWith(`${demoFolder(pid)}-`)),
  ];
}

/** What follows each command line that is typed. */
function printedBy(text: string): ReadonlyMap<string, readonly string[]> {
  const parts = text.split(/^(?:\$|root@node-1:~#) (?=kube-proxy-nft)/m).slice(1);
  return new Map(
    parts.map((part) => {
      const [command = '', ...lines] = part.split('\n');
      return [command, stable(lines.slice(0, lines.indexOf('')))];
    }),
  );
}

describe('the demo', () => {
  it('connects, scales without a failed connection, answers commands, serves the page and cleans up', async (context) => {
    const demo = startDemo(context, ['--page']);
    const { child, output } = demo;
    await eventually(
      () => output.text.includes('Enter ends the demo'),
      () => output.text,
    );
    const [url = ''] = /http:\/\/127\.0\.0\.1:\d+\/page/.exec(output.text) ?? [];
    const answer = await fetch(url);
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /<title>/);
    const ended = once(child, 'exit');
    child.stdin?.write('\n');
    assert.deepEqual(await ended, [0, null]);
    await assert.rejects(fetch(url));

    const { text } = output;
    assert.match(text, /answered by the pod at 10\.32\.0\.15:3306/);
    assert.match(text, /[1-9][0-9,]* connections meanwhile, 0 failed/);
    assert.match(text, /10\.96\.0\.12 \. tcp \. 3306 comment "default\/db:mysql" : goto pick-tcp-1/);
    assert.match(text, /^node-1: in sync$/m);
    const printed = printedBy(text);
    assert.deepEqual(
      [...printed.keys()],
      LAST_COMMANDS.map((command) => command.text),
    );
    assert.ok([...printed.values()].every((lines) => lines.length > 3));
    assert.match(text, /tables left on the node: none/);
    assert.deepEqual(thingsOf(demo), []);
  });

  it('leaves nothing when it is interrupted', async (context) => {
    const demo = startDemo(context, []);
    await eventually(
      () => /ready \d+ ms/.test(demo.output.text),
      () => demo.output.text,
    );
    assert.equal(thingsOf(demo).length, 4);
    const ended = once(demo.child, 'exit');
    demo.child.kill('SIGINT');
    assert.deepEqual(await ended, [null, 'SIGINT']);
    assert.deepEqual(thingsOf(demo), []);
  });
});

describe('the recording', () => {
  const cast = readFileSync(join(ROOT, 'docs', 'demo.cast'), 'utf8');

  it('has what the README says that the commands print', () => {
    const samples = printedBy(readFileSync(join(ROOT, 'README.md'), 'utf8').replace(/^ {4}/gm, ''));
    const printed = printedBy(textOf(cast));
    assert.deepEqual(
      [...printed.keys()],
      LAST_COMMANDS.map((command) => command.text),
    );
    for (const [command, lines] of printed) {
      const sample = samples.get(command) ?? [];
      assert.ok(agree(sample, lines), `${command}:\n${lines.join('\n')}`);
    }
  });

  it('is small, has a fixed terminal, and is in the order of time', () => {
    assert.ok(Buffer.byteLength(cast) < 60_000);
    const [header = '', ...events] = cast.trimEnd().split('\n');
    assert.deepEqual(Object.keys(JSON.parse(header)), ['version', 'width', 'height', 'title', 'env']);
    const times = events.map((line) => Number(JSON.parse(line)[0]));
    assert.ok(times.every((time, i) => time >= (times[i - 1] ?? 0)));
  });

  it('does not say who built the kernel', () => {
    const made = castOf('a title', [{ text: 'uname', output: 'nft 1.0.6, Linux 6.18.44-built-here\nmore\n' }]);
    assert.match(textOf(made), /^root@node-1:~# uname\nnft 1\.0\.6, Linux 6\.18\nmore\n\nroot/);
  });
});
