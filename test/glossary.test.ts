import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { SHORTFALL_REASONS } from '../src/service/shortfall.ts';
import { FATES } from '../src/status/connection-verdict.ts';

const ROOT = join(import.meta.dirname, '..');
const DOCS = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md') && name !== 'glossary.md');
const PAGES = ['README.md', ...DOCS.map((name) => `docs/${name}`)].map((page) =>
  readFileSync(join(ROOT, page), 'utf8'),
);
const CODE = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readFileSync(join(ROOT, 'src', path), 'utf8'));

const GLOSSARY = readFileSync(join(ROOT, 'docs', 'glossary.md'), 'utf8');
const TERMS = [...GLOSSARY.matchAll(/^\| ([^|]+) \| (.+) \|$/gm)]
  .map(([, term = '']) => term)
  .filter((term) => term !== 'word' && !/^-+$/.test(term));

/** As a word of a text, however it begins and ends: "slot", "Slots"; "repaired". */
const asWord = (term: string) => new RegExp(`\\b${term.replaceAll(' ', '[ -]\\s*')}`, 'i');

suite('the glossary', () => {
  test('is in order, each word once', () => {
    assert.ok(TERMS.length > 30);
    assert.deepEqual(
      TERMS,
      [...new Set(TERMS)].toSorted((a, b) => a.localeCompare(b, 'en')),
    );
  });

  test('has no word that pages or code do not use', () => {
    for (const term of TERMS) {
      const isInCode = CODE.some((text) => asWord(term).test(text));
      assert.ok(isInCode && PAGES.some((text) => asWord(term).test(text)), term);
    }
  });

  test('has the words that answers are made of', () => {
    const explained = GLOSSARY.toLowerCase();
    for (const fate of FATES) assert.ok(explained.includes(fate), fate);
    for (const reason of SHORTFALL_REASONS) {
      const words = reason.replaceAll('-', ' ');
      assert.ok(explained.includes(reason) || explained.includes(words) || /^quarantine/.test(reason), reason);
    }
    const needed =
      'frontend, slot, pick chain, hairpin, verdict, claim, drift, heartbeat, quarantine, budget, shortfall';
    for (const word of needed.split(', ')) assert.ok(TERMS.includes(word), word);
  });
});
