import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { hasColours, signedText } from '../../src/cli/signed-lines.ts';

suite('lines with signs', () => {
  test('have colours on a terminal, and not with NO_COLOR', () => {
    assert.equal(hasColours({}, true), true);
    assert.equal(hasColours({ NO_COLOR: '' }, true), true);
    assert.equal(hasColours({ NO_COLOR: '1' }, true), false);
    assert.equal(hasColours({}, false), false);
  });

  test('have their sign, and nothing from outside that talks to a terminal', () => {
    assert.equal(
      signedText(
        [
          ['+', 'a'],
          [' ', 'b'],
          ['-', '\u001b[2Jc'],
        ],
        false,
      ),
      '+ a\n  b\n- \\u001b[2Jc\n',
    );
    assert.equal(
      signedText(
        [
          ['+', 'a'],
          [' ', 'b'],
          ['~', 'c'],
        ],
        true,
      ),
      '\u001b[32m+ a\u001b[0m\n  b\n\u001b[33m~ c\u001b[0m\n',
    );
  });
});
