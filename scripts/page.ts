import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'src', 'page', 'browser');

/** The operator's page as one file. */
export interface BuiltPage {
  readonly html: string;
  /** Its Content-Security-Policy: its own script and styles, by their hashes, and requests to where it came from. */
  readonly policy: string;
  /** What esbuild tells of it, with paths from the checkout's root on. */
  readonly metafile: Metafile;
}

/** Makes the page of what is in src/page/browser: its script and styles are in it, and nothing else is loaded. */
export async function buildPage(): Promise<BuiltPage> {
  const template = await readFile(join(FOLDER, 'page.html'), 'utf8');
  const { outputFiles, warnings, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [join(FOLDER, 'main.ts'), join(FOLDER, 'page.css')],
    bundle: true,
    minify: true,
    platform: 'browser',
    format: 'iife',
    target: ['chrome109', 'firefox115', 'safari16.4'],
    charset: 'ascii',
    legalComments: 'none',
    outdir: 'page',
    logLevel: 'warning',
    metafile: true,
    write: false,
  });
  if (warnings.length > 0) throw new Error(`esbuild gave ${warnings.length} warnings for the page, shown above`);
  const text = (end: string) => outputFiles.find(({ path }) => path.endsWith(end))?.text.trim() ?? '';
  const [script, styles] = [text('.js'), text('.css')];
  // Within an element these would end it.
  if (/<\/script|<!--/i.test(script) || /<\/style/i.test(styles)) throw new Error('the page would end too early');
  const html = template
    .replace('<style></style>', () => `<style>${styles}</style>`)
    .replace('<script></script>', () => `<script>${script}</script>`);
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(styles)}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  return { html, policy, metafile };
}

/** As constants for esbuild: the page by gzip, in base64. */
export function pageConstants({ html, policy }: Pick<BuiltPage, 'html' | 'policy'>): Readonly<Record<string, string>> {
  return {
    BUILD_PAGE: JSON.stringify(gzipSync(html, { level: 9 }).toString('base64')),
    BUILD_PAGE_POLICY: JSON.stringify(policy),
  };
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
