import { messageOf } from '../../errors.ts';
import { NftError } from '../run.ts';

/** The objects of a listing. The first one describes nft. */
export function objectsIn(listing: string): readonly unknown[] {
  try {
    const { nftables = [] }: { nftables?: unknown[] } = JSON.parse(listing);
    return nftables;
  } catch (error) {
    throw new NftError('unknown-outcome', `nft listed something that is not JSON: ${messageOf(error)}`);
  }
}
