import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { jsonLine, oneLine, textLine, visible } from '../src/log-line.ts';

/** Moves a cursor, clears a screen, ends a line, turns text around, or cannot be seen. */
const HOSTILE = ['\u001b[2J', '\u0007', '\u0000', '\r', '\u007f', '\u009b', '\u202e', '\u2066', '\u200b', '\ufeff'];
const OTHERS = ['\u00ad', '\u2028', '\u2029', '\u{e0041}', '\n', '\t', ' ', 'é', '😀', 'a', '\ud800'];
/** Without line ends and tabs. */
const INVISIBLE = /[^\P{Cc}\n\t]|[\p{Cf}\p{Zl}\p{Zp}]/u;

const texts = fc.array(fc.constantFrom(...HOSTILE, ...OTHERS)).map((parts) => parts.join(''));

suite('text from outside', () => {
  test('is all visible, in every form it is printed in', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const entry = {
          severity: 'E',
          level: 0,
          message: oneLine(text),
          reason: oneLine(text),
          fields: { text },
        } as const;
        for (const line of [textLine(entry, new Date(0)), jsonLine(entry, new Date(0))]) {
          assert.doesNotMatch(line.slice(0, -1), /[\n\t]/);
          assert.doesNotMatch(line, INVISIBLE);
        }
        assert.doesNotMatch(oneLine(text), /[\n\t]/);
        assert.doesNotMatch(visible(text), INVISIBLE);
        assert.equal(visible(text).split('\n').length, text.split('\n').length);
      }),
    );
  });

  test('tells what was there', () => {
    assert.equal(oneLine('a \r\n b\u001b[2J\u{e0041}'), 'a b\\u001b[2J\\udb40\\udc41');
    assert.equal(visible('a\tb\r\nc\u202e'), 'a\tb\\u000d\nc\\u202e');
    assert.equal(visible('é😀'), 'é😀');
  });

  test('in JSON stays what it was for who reads JSON', () => {
    fc.assert(
      fc.property(texts, (text) => {
        assert.equal(JSON.parse(visible(JSON.stringify(text))), text);
      }),
    );
  });

  test('costs time in proportion to its length', () => {
    const cost = (text: string) => {
      const start = process.cpuUsage();
      oneLine(text);
      visible(text);
      const { user, system } = process.cpuUsage(start);
      return user + system;
    };
    for (const part of [' ', 'https://', 'https://a', '@', '\u202e', '://@']) {
      const [little = 0, much = 0] = [20_000, 320_000].map((length) => {
        const text = part.repeat(length);
        return Math.min(...Array.from({ length: 3 }, () => cost(text)));
      });
      // 16 times the length: a quadratic one takes 256 times as long.
      assert.ok(much < 80 * Math.max(little, 1000), `${JSON.stringify(part)}: ${little} and ${much} µs`);
    }
  });
});

suite('user names and passwords in URLs', () => {
  test('are hidden, in every form', () => {
    for (const url of ['https://admin:geheim@192.0.2.1:6443/x', 'HTTP://geheim@a', 'socks5://a:ge@geheim@b:1080']) {
      const said = `server ${url}: it is away`;
      const entry = { severity: 'E', level: 0, message: oneLine(said), fields: { url, said: `"${url}"` } } as const;
      for (const text of [oneLine(said), visible(said), textLine(entry, new Date()), jsonLine(entry, new Date())]) {
        assert.doesNotMatch(text, /geheim|admin/, text);
        assert.match(text, /:\/\/…@/);
      }
    }
  });

  test('what is none stays', () => {
    const said = 'see https://192.0.2.1:6443/a@b, ask a@b.example: //c';
    assert.equal(oneLine(said), said);
  });
});
