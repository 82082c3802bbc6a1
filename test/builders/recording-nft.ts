import type { Nft } from '../../src/nft/nft.ts';

/** An nft that takes everything and has nothing, but for what `own` says; `documents`: the JSON it was given. */
export function recordingNft(own: Partial<Nft> = {}): { readonly nft: Nft; readonly documents: string[] } {
  const documents: string[] = [];
  const nft: Nft = {
    version: async () => '1.1.3',
    setSyntax: async () => 'typeof',
    load: async () => undefined,
    list: async () => [],
    look: async () => ({ size: 0, digest: '', isKnown: false }),
    listTerse: async () => [],
    listText: async () => undefined,
    openSession: async () => undefined,
    closeSession: () => undefined,
    ...own,
    apply: async (json) => {
      documents.push(json);
      await own.apply?.(json);
    },
  };
  return { nft, documents };
}
