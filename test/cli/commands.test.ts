import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { COMMANDS } from '../../src/cli/commands.ts';
import { parseArguments } from '../../src/cli/parse-arguments.ts';
import { FLAGS } from '../../src/config/flags.ts';
import { OUTPUTS } from '../../src/config/output.ts';
import { type ErrorCode, EXIT_CODES, ProxyError } from '../../src/errors.ts';

const isUsage = (error: unknown) => error instanceof ProxyError && error.code === 'E_USAGE' && /-o/.test(error.message);

suite('the table of commands', () => {
  for (const command of COMMANDS) {
    const { name, aliases = [], flag, flags, operands, outputs, usage } = command;

    test(`${name}: has two to six examples, which are understood`, () => {
      assert.ok(command.examples.length >= 2 && command.examples.length <= 6);
      for (const { command: line } of command.examples) {
        const calls = [...line.matchAll(/kube-proxy-nft ([^|>)&]+)/g)].map(([, words = '']) => words.trim());
        const ours = calls.filter((words) => words !== '');
        assert.ok(ours.length > 0, line);
        for (const call of ours) parseArguments(call.replaceAll("'", '').split(/ +/));
      }
    });

    test(`${name}: is understood by each of its names, and by its flag`, () => {
      const words = operands.flatMap(({ completes, isOptional }) => {
        if (isOptional) return [];
        return typeof completes === 'object' ? completes.slice(0, 1) : ['x'];
      });
      for (const known of [name, ...aliases]) {
        const { command: found, operands: given } = parseArguments([...known.split(' '), ...words]);
        assert.deepEqual([found, given], [name, words]);
      }
      if (flag === undefined) return;
      assert.equal(FLAGS.get(flag)?.role, 'command');
      assert.equal(parseArguments([`--${flag}`, ...words]).command, name);
    });

    test(`${name}: takes flags that exist, and shows in its usage what it takes`, () => {
      for (const one of flags) assert.ok(['option', 'daemon'].includes(FLAGS.get(one)?.role ?? ''), one);
      for (const operand of operands) assert.ok(usage.includes(operand.name), operand.name);
      const shown = [...usage.matchAll(/(?:^|[ [])-(-[a-z-]+|[a-zA-Z])/g)].map(([, text = '']) => text);
      for (const text of shown) {
        const found = [...FLAGS.values()].find((one) => `-${one.name}` === text || one.short === text);
        assert.ok(found !== undefined && (flags.includes(found.name) || command.isConfigured), text);
      }
      assert.equal(flags.includes('output'), outputs !== undefined);
      if (outputs !== undefined) assert.ok(usage.includes(outputs.slice(1).join('|')), 'what -o may be');
    });

    test(`${name}: has a summary that makes sense alone`, () => {
      assert.doesNotMatch(command.summary, /[()"]/);
      assert.ok(command.summary.replace(/[,;:].*$/, '').length < 90);
    });
  }

  for (const { name, operands, outputs } of COMMANDS) {
    test(`${name}: prints in the form that -o names, or refuses it`, () => {
      const words = operands.flatMap(({ completes, isOptional }) => {
        if (isOptional) return [];
        return typeof completes === 'object' ? completes.slice(0, 1) : ['x'];
      });
      const call = [...name.split(' '), ...words, '-o'];
      for (const output of OUTPUTS) {
        if (outputs?.includes(output)) assert.equal(parseArguments([...call, output]).output, output);
        // Help takes every flag, as it may be requested in the middle of anything.
        else if (name !== 'help') assert.throws(() => parseArguments([...call, output]), isUsage, output);
      }
      if (name !== 'help') assert.throws(() => parseArguments([...call, 'xml']), isUsage);
      // Whatever is data can be had by programs.
      if (outputs !== undefined) assert.ok(outputs.includes('json'), name);
      if (outputs?.includes('text') || outputs?.includes('table')) assert.ok(outputs.includes('yaml'), name);
    });
  }

  test('has each flag that is a command, and each option, at a command', () => {
    for (const { name, role } of FLAGS.values()) {
      if (role === 'option')
        assert.ok(
          COMMANDS.some(({ flags }) => flags.includes(name)),
          name,
        );
      if (role === 'command') assert.equal(COMMANDS.filter(({ flag }) => flag === name).length, 1, name);
    }
  });

  test('has each name once', () => {
    const names = COMMANDS.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
    assert.equal(new Set(names).size, names.length);
  });

  test('each error is at a command that can end with it', () => {
    const named = new Set(COMMANDS.flatMap(({ errors }) => errors));
    const missing = (Object.keys(EXIT_CODES) as ErrorCode[]).filter((code) => !named.has(code));
    assert.deepEqual(missing, ['E_INTERNAL', 'E_USAGE']);
  });
});
