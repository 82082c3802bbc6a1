import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const SRC = join(import.meta.dirname, '..', 'src');

/** Who may know the time of day, and what for. All that waits or measures goes by a clock that is never set. */
const READERS: Readonly<Record<string, string>> = {
  'daemon/answers/status-answer.ts': 'times that `status` shows',
  'daemon/last-state.ts': 'since when a saved state is served, to be shown',
  'daemon/watches/others-watch.ts': 'when somebody was last seen to change our rules, to be shown',
  'cli/status.ts': 'whether an answer is newer than the request; it waits 3 s at most',
  'cli/support.ts': 'when an archive was made, for its name',
  'cli/watch-status.ts': 'when an answer changed, to be shown',
  'health/proxy-health.ts': 'lastUpdated of /healthz; ages go by a steady clock',
  'log.ts': 'the time of a line',
  'main.ts': 'the time of the last line',
  'metrics/metrics-server.ts': 'the time on a page for people',
  'metrics/metrics.ts': 'timestamps, and the time since a change that a controller has noted',
  'page/browser/main.ts': 'since when the page has no answer',
  'page/browser/state-view.ts': 'since when the page has no answer, to be shown',
  'page/change-log.ts': 'times that the page shows',
  'page/page.ts': 'the time of the newest step of a plot',
  'saved-state/read.ts': 'the age of a saved state: there is no other clock across a reboot',
  'saved-state/state-keeper.ts': 'when a state was saved',
  'source/api/events.ts': 'the time of an Event',
  'source/api/one-answer.ts': "the difference to an API server's clock, to be shown",
  'status/connection-reader.ts': 'when connections were counted, to be shown',
  'status/sync-record.ts': 'times that `status` shows',
};

test('a clock that jumps: only what is shown, and the age of a saved state, depends on the time of day', () => {
  const found = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .filter((path) => {
      const code = readFileSync(join(SRC, path), 'utf8').replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
      return /\bDate\.now\b|\bnew Date\(\)/.test(code);
    });
  assert.deepEqual(found.sort(), Object.keys(READERS).sort());
});
