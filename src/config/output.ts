/** All values of -o, over all commands. */
export const OUTPUTS = ['text', 'table', 'wide', 'json', 'yaml', 'name', 'nft'] as const;

export type Output = (typeof OUTPUTS)[number];
