import { gunzipSync } from 'node:zlib';

/** The compressed page in base64, and its policy, inserted by scripts/page.ts; not defined when run from source. */
declare const BUILD_PAGE: string;
declare const BUILD_PAGE_POLICY: string | undefined;

/** The only file that a browser receives. */
export interface PageFile {
  /** HTML, compressed with gzip. */
  readonly compressed: Buffer;
  /** Its Content-Security-Policy, with the hashes of its script and its styles. */
  readonly policy: string;
}

/** The page of this build; undefined when run from source. Nothing is kept between requests. */
export function pageFile(): PageFile | undefined {
  const policy = typeof BUILD_PAGE_POLICY === 'string' ? BUILD_PAGE_POLICY : undefined;
  // Used only once, because each use would be a copy; and inside the function, because V8 keeps no constants of code that
  // never runs.
  return policy === undefined ? undefined : { compressed: Buffer.from(BUILD_PAGE, 'base64'), policy };
}

/** The HTML of a file. */
export function htmlOf({ compressed }: PageFile): Buffer {
  return gunzipSync(compressed);
}
