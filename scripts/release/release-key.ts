import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** The key that signs a release. */
export interface ReleaseKey {
  /** A file with an Ed25519 private key (PEM). */
  readonly file: string;
  /** Made here, for want of another one: what it signs is not for publication. */
  readonly isForDevelopment: boolean;
}

/** The key in the file `given` or, without one, a development key: made once, kept in the file `development`, mode 0600. */
export function releaseKey(given: string | undefined, development: string): ReleaseKey {
  if (given !== undefined && given !== '') return { file: given, isForDevelopment: false };
  if (!existsSync(development)) {
    mkdirSync(dirname(development), { recursive: true });
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(development, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  }
  return { file: development, isForDevelopment: true };
}

/**
 * install.sh with the public key of a release in it: it takes only checksums that this key has signed.
 * Throws where the key is none, or `script` has no place for it.
 */
export function installerWithKey(script: string, { file, isForDevelopment }: ReleaseKey): string {
  const publicKey = createPublicKey(createPrivateKey(readFileSync(file)));
  const base64 = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  return filledIn(
    filledIn(script, 'RELEASE_KEY', base64),
    'RELEASE_KEY_IS_FOR_DEVELOPMENT',
    isForDevelopment ? 'yes' : '',
  );
}

function filledIn(script: string, variable: string, value: string): string {
  const line = new RegExp(`^${variable}=$`, 'm');
  if (!line.test(script)) throw new Error(`install.sh has no line ${variable}= to be filled in`);
  return script.replace(line, `${variable}=${value}`);
}
