import { gunzipSync } from 'node:zlib';

/** The page by gzip, in base64, and its policy, put in by scripts/page.ts; not defined when run from source. */
declare const BUILD_PAGE: string;
declare const BUILD_PAGE_POLICY: string | undefined;

/** The one file that a browser gets. */
export interface PageFile {
  /** HTML, by gzip. */
  readonly compressed: Buffer;
  /** Its Content-Security-Policy, with the hashes of its script and its styles. */
  readonly policy: string;
}

/** The page of this build; undefined when run from source. Nothing of it is kept between two requests. */
export function pageFile(): PageFile | undefined {
  const policy = typeof BUILD_PAGE_POLICY === 'string' ? BUILD_PAGE_POLICY : undefined;
  // Named once, as each time would be a copy; and in the function: V8 holds no constant of code that never runs.
  return policy === undefined ? undefined : { compressed: Buffer.from(BUILD_PAGE, 'base64'), policy };
}

/** The HTML of a file. */
export function htmlOf({ compressed }: PageFile): Buffer {
  return gunzipSync(compressed);
}
