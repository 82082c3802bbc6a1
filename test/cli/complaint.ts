import assert from 'node:assert/strict';
import { parseArguments } from '../../src/cli/parse-arguments.ts';
import { ProxyError } from '../../src/errors.ts';

/** The complaint about a command line, without the advice that follows each. */
export function complaintAbout(...argv: readonly string[]): string {
  try {
    parseArguments(argv);
  } catch (error) {
    assert.ok(error instanceof ProxyError && error.code === 'E_USAGE', String(error));
    assert.match(error.message, /; see kube-proxy-nft --help$/);
    return error.message.replace(/; see kube-proxy-nft --help$/, '');
  }
  return '(none)';
}
