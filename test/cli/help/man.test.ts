import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { suite, test } from 'node:test';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { FLAG_SECTIONS, headingOf } from '../../../src/cli/help/flags.ts';
import { manualPage } from '../../../src/cli/help/man.ts';
import { EXIT_CODES } from '../../../src/errors.ts';

/** The page as a terminal of many columns shows it, and what groff complains of. */
function rendered(...args: readonly string[]): { readonly text: string; readonly complaints: string } {
  const options = { input: manualPage(COMMANDS), encoding: 'utf8' } as const;
  const { error, status, stdout, stderr } = spawnSync('groff', ['-man', '-ww', '-rLL=300n', ...args], options);
  if (error !== undefined) throw error;
  assert.equal(status, 0, stderr);
  return { text: stdout, complaints: stderr };
}

suite('the manual page', () => {
  test('gives groff nothing to complain of', () => {
    for (const device of ['utf8', 'ascii', 'ps']) assert.equal(rendered(`-T${device}`).complaints, '', device);
  });

  test('is ASCII, in lines that roff reads as text or as requests we mean', () => {
    for (const line of manualPage(COMMANDS).trimEnd().split('\n')) {
      assert.match(line, /^[ -~]+$/);
      if (/^[.']/.test(line)) assert.match(line, /^\.(?:\\"|TH|SH|SS|TP|PP|B|BR|br|ad|nh)\b|^\.\\"/, line);
    }
  });

  test('has every command with its examples, every flag, and every exit code', () => {
    // Without overstriking and colours; -P-c is for the former.
    const { text } = rendered('-Tascii', '-P-cbou');
    const squeezed = text.replace(/\s+/g, ' ');
    for (const { name, usage, summary, answers = [], examples } of COMMANDS) {
      assert.ok(squeezed.includes(`kube-proxy-nft ${name} ${usage}`.trim()), name);
      assert.ok(squeezed.includes(` ${summary} `), name);
      for (const [code, meaning] of answers) assert.ok(squeezed.includes(` ${code} ${meaning}`), name);
      for (const { command } of examples) assert.ok(squeezed.includes(` ${command} `), command);
    }
    for (const flag of FLAG_SECTIONS.flatMap(({ flags }) => flags)) {
      assert.match(text, new RegExp(`^ +${headingOf(flag).replace(/[[\]]/g, '\\$&')}(?: .*|)$`, 'm'));
    }
    for (const [code, exitCode] of Object.entries(EXIT_CODES)) assert.ok(squeezed.includes(` ${exitCode} (${code}) `));
  });

  test('shows in search what it is about', () => {
    // What mandb looks for: "NAME", and a line "name - text".
    assert.match(rendered('-Tascii', '-P-cbou').text, /^NAME\n +kube-proxy-nft - makes the Services/m);
  });
});
