import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** PEM texts: an authority, a server certificate for loopback, and one for the client `system:kube-proxy`. */
export interface Certificates {
  readonly ca: string;
  readonly server: KeyPair;
  readonly client: KeyPair;
}

/**
 * Makes a fresh authority and its certificates with openssl (3.0 or newer: Debian's package `openssl`).
 * `more`: further IP addresses of the server.
 */
export function makeCertificates(more: readonly string[] = []): Certificates {
  const directory = mkdtempSync(join(tmpdir(), 'kpn-certificates-'));
  const make = (name: string, subject: string, ...options: string[]): KeyPair => {
    const [cert, key] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const files = ['-keyout', key, '-out', cert, '-subj', subject, '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...curve, ...files, ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  };
  try {
    const ca = make('ca', '/CN=kpn-test-ca');
    const signed = [
      '-CA',
      join(directory, 'ca.crt'),
      '-CAkey',
      join(directory, 'ca.key'),
      '-addext',
      'basicConstraints=CA:FALSE',
    ];
    const addresses = ['127.0.0.1', '::1', ...more].map((address) => `IP:${address}`);
    const names = `subjectAltName=${addresses.join(',')},DNS:localhost`;
    const server = make('server', '/CN=kube-apiserver', ...signed, '-addext', names);
    const client = make(
      'client',
      '/O=system:masters/CN=system:kube-proxy',
      ...signed,
      '-addext',
      'extendedKeyUsage=clientAuth',
    );
    return { ca: ca.cert, server, client };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
