/** What people are told about a flag: by --help, the manual page, and completion. */
export interface FlagHelp {
  /** Without dashes. */
  readonly name: string;
  /** What its value is called; absent for flags that are on or off. */
  readonly value?: string;
  /** Its beginning, up to the first colon, semicolon or bracket, stands alone in completion. */
  readonly text: string;
  /** What its value is completed with: one of these words, several of them with commas, or paths. */
  readonly completes?: 'file' | 'folder' | { readonly words: readonly string[]; readonly list?: boolean };
}

/** Flags under one heading. */
export interface FlagSection {
  readonly title: string;
  /** What --help adds to the heading. */
  readonly note?: string;
  /** False for those that --help leaves to the manual page. */
  readonly isListed: boolean;
  readonly flags: readonly FlagHelp[];
}
