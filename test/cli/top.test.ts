import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { suite, type TestContext, test } from 'node:test';
import { requestDaemon } from '../../src/control/control-socket.ts';
import type { Connections, PortConnections } from '../../src/status/connections.ts';
import { eventually } from '../builders/eventually.ts';
import { rawService, rawSlice } from '../builders/raw-objects.ts';
import { MAIN, Place } from './program.ts';

const port = (service: string, result: PortConnections['result'], connections: number): PortConnections => ({
  ...{ namespace: 'default', service, port: 'http', protocol: 'tcp', result, connections },
});

/**
 * A daemon that does nothing but answer, each time with another reading: `web` has 10 a second, `db` 5 that are refused.
 * `change` says what of an answer is different.
 */
async function serveNumbers(context: TestContext, place: Place, change: () => Partial<Connections> = () => ({})) {
  let requests = 0;
  const server = createServer((_, response) => {
    requests++;
    const ports = [
      port('web', 'served', 1000 + 10 * requests),
      port('db', 'refused', 5 * requests),
      port('old', 'served', 7),
    ];
    response.end(JSON.stringify({ readAt: 1_000_000 + 1000 * requests, counted: true, ports, ...change() }));
  });
  const run = place.file('run');
  place.command(['mkdir', '-m', '700', run]);
  await once(server.listen(join(run, 'control.sock')), 'listening');
  context.after(() => server.close());
}

const ESCAPE = '\u001b[';

/** As where nobody said anything of colours: a test may run where somebody did. */
const WITH_COLORS = ['/usr/bin/env', '-u', 'NO_COLOR'];

/** `top` on a terminal. */
function onTerminal(
  context: TestContext,
  place: Place,
  rows: number,
  columns: number,
  args: readonly string[] = [],
  wrapper: readonly string[] = WITH_COLORS,
) {
  const helper = join(import.meta.dirname, 'on_terminal.py');
  const program = [...wrapper, process.execPath, MAIN, '--run-dir', place.file('run'), 'top', ...args];
  const child = place.withPipes(['python3', helper, `${rows}`, `${columns}`, ...program]);
  context.after(() => child.kill('SIGKILL'));
  let shown = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  const closed = once(child, 'close');
  const order = (what: object) => child.stdin?.write(`${JSON.stringify(what)}\n`);
  return {
    get shown() {
      return shown;
    },
    send: (text: string) => order({ send: text }),
    resize: (...size: [rows: number, columns: number]) => order({ size }),
    /** The lines of the last whole screen, without colours. */
    get screen() {
      const frame =
        shown
          .split('\u001b[H')
          .filter((part) => part.includes('\u001b[J'))
          .at(-1) ?? '';
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what colours are.
      return (frame.split('\u001b[J')[0] ?? '').replaceAll(/\u001b\[[\d;]*[mK]/g, '').split(/\r*\n/);
    },
    until(pattern: RegExp) {
      return eventually(
        () => pattern.test(this.screen.join('\n')) || child.exitCode !== null,
        () => JSON.stringify(shown.slice(-3000)),
      ).then(() => assert.match(this.screen.join('\n'), pattern));
    },
    ended: async () => ((await closed) as [number | null])[0],
  };
}

suite('top', () => {
  test('shows rates as they come, sorts by keys, and gives the terminal back', async (context) => {
    const place = new Place(context);
    await serveNumbers(context, place);
    const terminal = onTerminal(context, place, 12, 100);
    await terminal.until(/^new connections, by rate: 10\.0\/s served, 5\.0\/s refused or dropped \(.* UTC\)\n/);
    const [, heading, ...rows] = terminal.screen.map((line) => line.trimEnd());
    assert.match(heading ?? '', /^NAMESPACE +NAME +PORT +SERVED\/S +REFUSED\/S +DROPPED\/S +SERVED +REFUSED +DROPPED$/);
    assert.deepEqual(
      rows.slice(0, 3).map((row) => row.split(/ +/).slice(0, 6)),
      [
        ['default', 'web', 'http/tcp', '10', '0', '0'],
        ['default', 'db', 'http/tcp', '0', '5.0', '0'],
        ['default', 'old', 'http/tcp', '0', '0', '0'],
      ],
    );
    assert.equal(terminal.screen.length, 12);
    terminal.send('f');
    await terminal.until(/by refused and dropped ones: .*\n.*\ndefault +db /);
    terminal.send('n');
    await terminal.until(/by name: .*\n.*\ndefault +db .*\ndefault +old .*\ndefault +web /);
    terminal.send('\u001b[B');
    await terminal.until(/by name: .*\n.*\ndefault +old .*\ndefault +web /);
    terminal.send('q');
    assert.equal(await terminal.ended(), 0);
    const [before = '', during = '', ...rest] = terminal.shown.split(/\?1049[hl]/);
    assert.ok(before.endsWith(ESCAPE) && during.endsWith(`${ESCAPE}?25h${ESCAPE}`));
    assert.deepEqual(rest, ['']);
    // Refused ones stand out.
    assert.ok(terminal.shown.includes(`${ESCAPE}31mdefault`));
  });

  test('fits its terminal, also when that becomes smaller; Control and C ends it', async (context) => {
    const place = new Place(context);
    await serveNumbers(context, place);
    const terminal = onTerminal(context, place, 20, 120, ['-n', 'default']);
    await terminal.until(/default +web /);
    assert.equal(terminal.screen.length, 20);
    terminal.resize(5, 40);
    await eventually(
      () => terminal.screen.length === 5,
      () => JSON.stringify(terminal.screen),
    );
    assert.ok(terminal.screen.every((line) => line.length <= 40));
    assert.match(terminal.screen.at(-1) ?? '', /^r rate {2}t total/);
    terminal.send('\u0003');
    assert.equal(await terminal.ended(), 0);
  });

  test('waits for a daemon that restarts, and shows nothing of what could talk to a terminal', async (context) => {
    const place = new Place(context);
    let evil: Partial<Connections> = { ports: [port('\u001b]0;evil\u0007\nname', 'served', 3)] };
    await serveNumbers(context, place, () => evil);
    const terminal = onTerminal(context, place, 10, 120);
    await terminal.until(/\\u001b\]0;evil\\u0007 name/);
    assert.ok(!terminal.shown.includes('\u001b]0;'));
    evil = { counted: false, why: 'it is just starting\u001b[2J' };
    await terminal.until(/^it is just starting\\u001b\[2J; retrying every second\n/);
    evil = {};
    await terminal.until(/10\.0\/s served/);
    terminal.send('q');
    assert.equal(await terminal.ended(), 0);
  });

  test('has no colours with NO_COLOR', async (context) => {
    const place = new Place(context);
    await serveNumbers(context, place);
    const terminal = onTerminal(context, place, 10, 100, [], ['/usr/bin/env', 'NO_COLOR=1']);
    await terminal.until(/10\.0\/s served/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what colours are.
    assert.doesNotMatch(terminal.shown, /\u001b\[\d+m/);
    terminal.send('q');
    assert.equal(await terminal.ended(), 0);
  });

  test('without a terminal prints one table of two readings, and data for programs', async (context) => {
    const place = new Place(context);
    await serveNumbers(context, place);
    const { stdout, exitCode } = await place.run(['top']);
    assert.equal(exitCode, 0);
    assert.match(
      stdout,
      /^NAMESPACE .*\ndefault +web +http\/tcp +10 +0 +0 +1020 +0 +0\ndefault +db .*\ndefault +old .*\n$/,
    );
    const { stdout: none } = await place.run(['top', '--once', '--no-headers', '-n', 'other']);
    assert.equal(none, '');
    const rows = JSON.parse((await place.run(['top', '-o', 'json'])).stdout);
    assert.deepEqual(rows[1], {
      namespace: 'default',
      service: 'db',
      port: 'http/tcp',
      connections: { served: 0, refused: rows[1].connections.refused, dropped: 0 },
      perSecond: { served: 0, refused: 5, dropped: 0 },
    });
  });

  test('of a daemon: what it counts, and why it does not', async (context) => {
    const place = new Place(context);
    const items = [rawService('web', '10.96.0.11'), rawSlice('web', ['10.0.1.1'])];
    writeFileSync(place.file('objects.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    const daemon = await place.startDaemon(['--manifests', place.file('objects.json')]);
    assert.deepEqual(await place.run(['top', '-o', 'json']), { exitCode: 0, stdout: '[]\n', stderr: '' });
    const { counted, ports } = JSON.parse(`${await requestDaemon(place.file('run'), '/connections')}`) as Connections;
    assert.deepEqual([counted, ports], [true, []]);
    await daemon.stop();
    assert.equal((await place.run(['top'])).exitCode, 31);
    await place.startDaemon(['--manifests', place.file('objects.json'), '--connection-counters=false']);
    const { exitCode, stderr } = await place.run(['top']);
    assert.equal(exitCode, 36);
    assert.match(stderr, /new connections are not counted: --connection-counters=false \[E_NOT_COUNTED\]/);
  });
});
