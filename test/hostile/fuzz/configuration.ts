import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { withConfigurationFile } from '../../../src/cli/configuration-file.ts';
import { formatConfiguration } from '../../../src/config/write.ts';
import { ProxyError } from '../../../src/errors.ts';
import { createLog } from '../../../src/log.ts';
import { KUBEADM } from '../../config/kubeadm.ts';
import { Draws } from '../../peer/draws.ts';
import { invisibleIn } from './invisible.ts';
import { ESCAPES, type Json, mutated } from './mutate.ts';
import type { Tally } from './tally.ts';

/** Where text of a file is changed, as characters: each of these may come in. */
const PIECES = [
  '\n',
  ':',
  '- ',
  '&a ',
  '*a',
  '{',
  ']',
  '"',
  "'",
  '\t',
  '---\n',
  '!!js/function ',
  '? ',
  '<<: ',
  '|\n',
  ESCAPES,
];
const FILE = load(KUBEADM) as Json;

/**
 * Reads `runs` configuration files as a start with --config does, which must end in arguments or in an error of ours
 * whose line can be seen as a whole. Throws for anything else, with the file.
 */
export function fuzzConfiguration(runs: number, seed: number, tally: Tally): void {
  const directory = mkdtempSync(join(tmpdir(), 'kpn-fuzz-'));
  const path = join(directory, 'config.conf');
  const lines: string[] = [];
  const log = createLog(9, (line) => lines.push(line));
  try {
    for (let i = 0; i < runs; i++) {
      const text = drawFile(new Draws(seed, i));
      writeFileSync(path, text);
      try {
        const { notes, configuration } = withConfigurationFile(['--config', path], path, () => undefined);
        for (const note of notes) log.warn(note);
        formatConfiguration(configuration);
        tally.valid++;
      } catch (error) {
        if (!(error instanceof ProxyError)) throw new Error(`it failed on ${JSON.stringify(text)}`, { cause: error });
        log.error('cannot start', error.message);
        tally.invalid++;
      }
      const invisible = lines.splice(0).map(invisibleIn).find(Boolean);
      if (invisible !== undefined) throw new Error(`${invisible} was logged of ${JSON.stringify(text)}`);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** As JSON with other values, or as YAML with other characters. */
function drawFile(draws: Draws): string {
  if (draws.oneIn(2)) return JSON.stringify(mutated(FILE, draws), null, draws.below(3));
  let text = KUBEADM;
  for (let i = draws.between(1, 5); i > 0; i--) {
    const at = draws.below(text.length);
    const rest = text.slice(at + draws.below(4));
    text = `${text.slice(0, at)}${draws.pick([...PIECES, text.slice(at, at + 40)])}${rest}`;
  }
  return text;
}
