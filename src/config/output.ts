/** What -o can be, of one command or another. */
export const OUTPUTS = ['text', 'table', 'wide', 'json', 'yaml', 'name', 'nft'] as const;

export type Output = (typeof OUTPUTS)[number];
