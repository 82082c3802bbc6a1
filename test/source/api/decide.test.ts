import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Decision, decide, type Effect, type Outcome } from '../../../src/source/api/decide.ts';
import type { Phase } from '../../../src/source/api/phase.ts';
import {
  AHEAD,
  answer,
  BROKEN,
  CIDRS,
  CUT,
  failed,
  GONE,
  IGNORED,
  LIST_DUE,
  LISTED,
  NOBODY,
  OPTIONAL,
  report,
  SERVICES,
  START,
  same,
  TLS,
  TOO_LONG,
  TRIED,
  WATCHING,
  WORKS,
  wait,
} from './outcomes.ts';

/** Phase, outcome, what of the phase is then other than before, effects. */
type Row = [name: string, phase: Phase, outcome: Outcome, change: Partial<Phase>, effects: readonly Effect[]];

const TABLE: Readonly<Record<string, readonly Row[]>> = {
  'a list': [
    ['complete', START, { what: 'listed', version: '90' }, LISTED, [TRIED]],
    ['again, and newer', { ...WATCHING, ...LIST_DUE, seen: '80' }, { what: 'listed', version: '90' }, LISTED, [TRIED]],
    [
      'again, and older: etcd was restored',
      { ...WATCHING, ...LIST_DUE, failures: 7, inOutage: true },
      { what: 'listed', version: '90' },
      // No progress yet: what is watched next may fail at once.
      LISTED,
      [TRIED, { do: 'say', what: 'restored' }],
    ],
    [
      'in pages, after a stream the server does not know',
      { ...START, brokenStreams: 1, streamFailure: answer(422) },
      { what: 'listed', version: '90' },
      { ...LISTED, brokenStreams: 0, streamFailure: undefined },
      [TRIED, { do: 'say', what: 'pages-only', status: 422 }],
    ],
    [
      'in pages, after a stream it failed to give',
      { ...START, brokenStreams: 1, streamFailure: answer(500) },
      { what: 'listed', version: '90' },
      { ...LISTED, brokenStreams: 0, streamFailure: undefined },
      [TRIED],
    ],
    ...[answer(400), answer(403), answer(422), answer(500), IGNORED].map(
      (failure): Row => [
        `as a stream: ${failure.message}; pages at once`,
        START,
        failed('stream', failure, failure === IGNORED),
        { brokenStreams: 1, streamFailure: failure },
        [],
      ],
    ),
    [
      'as a stream, broken off',
      START,
      failed('stream', CUT, true),
      { brokenStreams: 1, failures: 1 },
      [report(CUT), wait('refusal', 1)],
    ],
    [
      'that nobody answers',
      START,
      failed('stream', NOBODY),
      { failures: 1, inOutage: true },
      [report(NOBODY), wait('outage', 1)],
    ],
    [
      'for which a gateway has no server',
      START,
      failed('stream', answer(503, 'nobody')),
      { brokenStreams: 1, failures: 1, inOutage: true },
      [report(answer(503, 'nobody')), wait('outage', 1)],
    ],
    [
      'that nobody answers, once more',
      { ...START, failures: 20, inOutage: true, brokenStreams: 2 },
      failed('list', NOBODY),
      { failures: 21, brokenStreams: 0 },
      [report(NOBODY), wait('outage', 21)],
    ],
    [
      'refused when the server is back: the count begins again',
      { ...START, seen: '90', failures: 20, inOutage: true },
      failed('list', answer(403)),
      { failures: 1, inOutage: false },
      [{ do: 'say', what: 'broken', detail: 'answers 403' }, wait('refusal', 1)],
    ],
    [
      'refused by a server that is back, but still: a problem of its own',
      { ...START, seen: '90', failures: 3 },
      failed('list', answer(403)),
      { failures: 4 },
      [report(answer(403)), wait('refusal', 4)],
    ],
    [
      'refused with Retry-After',
      { ...START, failures: 3 },
      failed('list', answer(429, undefined, 5000)),
      { failures: 4 },
      [report(answer(429, undefined, 5000)), wait('refusal', 4, 5000)],
    ],
    [
      'refused with 401',
      START,
      failed('list', answer(401)),
      { failures: 1 },
      [report(answer(401)), { do: 'drop-credentials' }, wait('refusal', 1)],
    ],
    [
      'refused for a field selector',
      SERVICES,
      failed('list', answer(400)),
      { selecting: false },
      [{ do: 'say', what: 'no-selector' }],
    ],
    [
      'refused with 400, without one',
      START,
      failed('list', answer(400)),
      { failures: 1 },
      [report(answer(400)), wait('refusal', 1)],
    ],
  ],
  'a comparison of versions': [
    [
      'newer',
      { ...WATCHING, doubtful: true },
      { what: 'compared', version: '101', prompt: true },
      { doubtful: false },
      [],
    ],
    [
      'equal',
      { ...WATCHING, doubtful: true },
      { what: 'compared', version: '100', prompt: true },
      { doubtful: false },
      [],
    ],
    ['older', { ...WATCHING, doubtful: true }, { what: 'compared', version: '99', prompt: true }, LIST_DUE, []],
    [
      'with what is no number',
      { ...WATCHING, doubtful: true },
      { what: 'compared', version: 'x', prompt: true },
      LIST_DUE,
      [],
    ],
    [
      'that takes its time',
      { ...WATCHING, doubtful: true },
      { what: 'compared', version: '101', prompt: false },
      LIST_DUE,
      [],
    ],
    [
      'that nobody answers',
      { ...WATCHING, doubtful: true, failures: 1 },
      failed('compare', NOBODY),
      { ...LIST_DUE, failures: 2, inOutage: true },
      [report(NOBODY), wait('outage', 2)],
    ],
  ],
  'a watch': [
    [
      'gives an event',
      { ...WATCHING, failures: 3, inOutage: true, wasUseless: true, same: same(TOO_LONG, 2) },
      { what: 'taken', version: '105' },
      { version: '105', seen: '105', failures: 0, inOutage: false, wasUseless: false, same: undefined },
      [WORKS],
    ],
    [
      'stays open',
      { ...WATCHING, failures: 3, wasUseless: true, same: same(CUT, 2) },
      { what: 'stable' },
      { failures: 0, wasUseless: false, same: undefined },
      [WORKS],
    ],
    [
      'stays open while an event comes that is too long',
      { ...WATCHING, failures: 2, same: same(TOO_LONG, 2) },
      { what: 'stable' },
      { failures: 0 },
      [WORKS],
    ],
    ['is ended by the server', WATCHING, { what: 'ended', stable: true }, { doubtful: true }, []],
    [
      'is ended early',
      WATCHING,
      { what: 'ended', stable: false },
      { doubtful: true, failures: 1 },
      [wait('refusal', 1)],
    ],
    [
      'breaks off: said in detail only',
      WATCHING,
      failed('watch', CUT, true),
      { doubtful: true, failures: 1, same: same(CUT, 1) },
      [BROKEN, wait('refusal', 1)],
    ],
    [
      'breaks off again',
      { ...WATCHING, failures: 1, same: same(CUT, 1) },
      failed('watch', CUT, true),
      { doubtful: true, failures: 2, same: same(CUT, 2) },
      [report(CUT), wait('refusal', 2)],
    ],
    [
      'fails three times in one way',
      { ...WATCHING, failures: 2, same: same(TOO_LONG, 2) },
      failed('watch', TOO_LONG, true),
      { ...LIST_DUE, failures: 3, same: undefined },
      [report(TOO_LONG), wait('refusal', 3)],
    ],
    [
      'fails in another way',
      { ...WATCHING, failures: 2, same: same(TOO_LONG, 2) },
      failed('watch', CUT, true),
      { doubtful: true, failures: 3, same: same(CUT, 1) },
      [report(CUT), wait('refusal', 3)],
    ],
    [
      'is put off by an overloaded server, however often',
      { ...WATCHING, failures: 8, same: same(answer(429), 8) },
      failed('watch', answer(429)),
      { doubtful: true, failures: 9, same: same(answer(429), 9) },
      [report(answer(429)), wait('refusal', 9)],
    ],
    [
      'is refused: a list is due',
      WATCHING,
      failed('watch', answer(403)),
      { ...LIST_DUE, failures: 1 },
      [{ do: 'say', what: 'broken', detail: 'answers 403' }, wait('refusal', 1)],
    ],
    [
      'meets nobody: a list is due',
      WATCHING,
      failed('watch', NOBODY),
      { ...LIST_DUE, failures: 1, inOutage: true },
      [{ do: 'say', what: 'broken', detail: 'refused' }, wait('outage', 1)],
    ],
    [
      'meets a gateway without a server: a list is due',
      WATCHING,
      failed('watch', answer(503, 'nobody')),
      { ...LIST_DUE, failures: 1, inOutage: true },
      [report(answer(503, 'nobody')), wait('outage', 1)],
    ],
    [
      'meets a bad certificate: a list is due, but an outage it is not',
      WATCHING,
      failed('watch', TLS),
      { ...LIST_DUE, failures: 1 },
      [{ do: 'say', what: 'broken', detail: 'bad certificate' }, wait('refusal', 1)],
    ],
    [
      'is told 503 in its stream: the server is there',
      WATCHING,
      failed('watch', answer(503, 'nobody'), true),
      { doubtful: true, failures: 1, same: same(answer(503), 1) },
      [report(answer(503, 'nobody')), wait('refusal', 1)],
    ],
    [
      'is forgotten: a list is due, at once',
      WATCHING,
      failed('watch', GONE),
      { version: undefined, wasUseless: true },
      [{ do: 'say', what: 'useless', detail: 'answers 410' }],
    ],
    [
      'is forgotten without progress: a list is due, after a wait',
      { ...WATCHING, wasUseless: true },
      failed('stream', GONE, true),
      { version: undefined, failures: 1 },
      [report(GONE), wait('refusal', 1)],
    ],
    [
      'is ahead: a list is due, and versions say nothing',
      WATCHING,
      failed('watch', AHEAD, true),
      { version: undefined, wasUseless: true },
      [{ do: 'say', what: 'useless', detail: AHEAD.message }],
    ],
  ],
  'an optional resource': [
    [
      'withheld from the beginning: nothing waits for it',
      CIDRS,
      failed('list', answer(404)),
      { withheld: 404, looks: 1 },
      [TRIED, WORKS, { do: 'say', what: 'withheld', status: 404 }, wait('absence', 1)],
    ],
    [
      'withheld still: not said again',
      { ...CIDRS, withheld: 404, looks: 6 },
      failed('stream', answer(404)),
      { brokenStreams: 1, looks: 7 },
      [TRIED, WORKS, wait('absence', 7)],
    ],
    [
      'withheld by a server that gave it before: it may just be starting',
      OPTIONAL,
      failed('watch', answer(403)),
      { version: undefined, failures: 1 },
      [TRIED, wait('refusal', 1)],
    ],
    [
      'withheld by such a server after a long outage: it is starting',
      { ...OPTIONAL, failures: 30, inOutage: true },
      failed('list', answer(403)),
      { version: undefined, failures: 1, inOutage: false },
      [TRIED, wait('refusal', 1)],
    ],
    [
      'withheld by such a server again and again',
      { ...OPTIONAL, failures: 3 },
      failed('compare', answer(403)),
      { version: undefined, withheld: 403, looks: 1, failures: 0 },
      [TRIED, WORKS, { do: 'say', what: 'withheld', status: 403 }, wait('absence', 1)],
    ],
    [
      'given at last',
      { ...OPTIONAL, withheld: 403, looks: 3 },
      { what: 'stable' },
      { withheld: undefined, looks: 0 },
      [WORKS, { do: 'say', what: 'offered' }],
    ],
    [
      'failing: nothing waits for it',
      CIDRS,
      failed('list', NOBODY),
      { failures: 1, inOutage: true },
      [TRIED, report(NOBODY), wait('outage', 1)],
    ],
  ],
};

for (const [what, rows] of Object.entries(TABLE)) {
  describe(what, () => {
    for (const [name, phase, outcome, change, effects] of rows) {
      test(name, () => {
        const expected: Decision = { phase: { ...phase, ...change }, effects };
        assert.deepEqual(decide(phase, outcome), expected);
      });
    }
  });
}
