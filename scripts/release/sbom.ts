import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';

/** The parts of a CycloneDX 1.5 document that are changed here. */
interface Sbom {
  serialNumber?: string;
  metadata: { timestamp: string; component: { type: string; name: string } };
  components: { name: string; hashes?: unknown }[];
}

/**
 * What the executables of the checkout `root` are made of, as CycloneDX JSON: the packages of package-lock.json that can
 * be in the bundle, with the checksums npm installs them by, and the Node.js packages. npm's own list, less what differs
 * from run to run: its time is `epoch` (seconds since 1970), its serial number derives from its content.
 */
export function sbom(root: string, name: string, epoch: number): string {
  const npm = ['sbom', '--sbom-format=cyclonedx', '--omit=dev', '--package-lock-only', '--loglevel=error'];
  const document: Sbom = JSON.parse(execFileSync('npm', npm, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 }));
  document.metadata.timestamp = new Date(epoch * 1000).toISOString();
  // npm calls it what the folder is called.
  document.metadata.component.name = name;
  document.metadata.component.type = 'application';
  delete document.serialNumber;
  const hex = createHash('sha256').update(JSON.stringify(document)).digest('hex');
  document.serialNumber = `urn:uuid:${uuid(hex)}`;
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** A UUID of version 8 (RFC 9562: made of whatever its maker likes) of the first digits of a hash. */
function uuid(hex: string): string {
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  const groups = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `${variant}${hex.slice(17, 20)}`];
  return [...groups, hex.slice(20, 32)].join('-');
}
