/** The text about a flag in --help, the manual page and completion. */
export interface FlagHelp {
  /** Without dashes. */
  readonly name: string;
  /** The placeholder for its value; absent for boolean flags. */
  readonly value?: string;
  /** Completion shows only its first phrase: up to the first colon, semicolon, full stop or bracket. */
  readonly text: string;
  /** How completion completes its value: with one of these words, a comma-separated list of them, or paths. */
  readonly completes?: 'file' | 'folder' | { readonly words: readonly string[]; readonly list?: boolean };
}

/** Flags under one heading. */
export interface FlagSection {
  readonly title: string;
  /** A sentence that --help adds to the heading. */
  readonly note?: string;
  /** False if only the manual page shows the section. */
  readonly isListed: boolean;
  readonly flags: readonly FlagHelp[];
}
