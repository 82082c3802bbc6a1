import type { Statement } from './statement.ts';

/** A chain and its rules. */
export interface Chain {
  readonly name: string;
  readonly comment?: string;
  /** Only for base chains: where the kernel calls them. */
  readonly hook?: { readonly type: 'nat' | 'filter'; readonly hook: string; readonly priority: number };
  readonly rules: readonly (readonly Statement[])[];
  /** For chains outside the fixed program: the comment of the last rule, which identifies the rules at a later start. */
  readonly signature?: string;
}

/** A chain as nft lists it. */
export interface ListedChain {
  /** For a base chain: "type nat hook prerouting priority dstnat; policy accept;". Empty for others. */
  readonly hook: string;
  /** Each as printed, with its comment. */
  readonly rules: readonly string[];
}
