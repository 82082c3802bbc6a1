/** What -o can be, of one command or another. */
export const OUTPUTS = ['text', 'table', 'wide', 'json', 'nft'] as const;

export type Output = (typeof OUTPUTS)[number];
