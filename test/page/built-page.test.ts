import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type BuiltPage, buildPage } from '../../scripts/page.ts';

const BROWSER = join(import.meta.dirname, '..', '..', 'src', 'page', 'browser');

suite('the file that a browser gets', () => {
  let page: BuiltPage;
  const elements = (name: string) => [...page.html.matchAll(new RegExp(`<${name}[^>]*>(.*?)</${name}>`, 'gs'))];

  before(async () => {
    page = await buildPage();
  });

  test('has one script and one style, and a policy that allows just these', () => {
    for (const [element, directive] of [
      ['script', 'script-src'],
      ['style', 'style-src'],
    ] as const) {
      const [[, text = ''] = [], ...others] = elements(element);
      assert.ok(text.length > 1000);
      assert.deepEqual(others, []);
      const hash = createHash('sha256').update(text).digest('base64');
      assert.ok(page.policy.split('; ').includes(`${directive} 'sha256-${hash}'`), directive);
    }
    assert.match(page.policy, /^default-src 'none';/);
    assert.doesNotMatch(page.policy, /unsafe|\*|https?:|nonce/);
    for (const needed of ["connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]) {
      assert.ok(page.policy.split('; ').includes(needed), needed);
    }
  });

  test('loads nothing from elsewhere', () => {
    const urls = page.html.match(/\b(?:https?:)?\/\/[\w.-]+\.\w+/g) ?? [];
    // The name of SVG's namespace is no address that anything is loaded from.
    assert.deepEqual(
      urls.filter((url) => url !== 'http://www.w3.org'),
      [],
    );
    assert.doesNotMatch(page.html, /<(?:script|link|img|iframe)[^>]+(?:src|href)="(?!data:)/);
    assert.doesNotMatch(page.html, / (?:on\w+|style)="/);
  });

  test('is small', () => {
    assert.ok(gzipSync(page.html).length < 64 * 1024);
  });

  test('makes no markup of text, and runs none', () => {
    for (const name of readdirSync(BROWSER).filter((file) => file.endsWith('.ts'))) {
      const code = readFileSync(join(BROWSER, name), 'utf8');
      const forbidden = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function|srcdoc/;
      assert.doesNotMatch(code, forbidden, name);
    }
  });
});
