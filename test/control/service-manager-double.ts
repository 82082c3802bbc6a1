import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';

/** As systemd does: receives datagrams, and closes the descriptor that comes with a barrier, for which notifiers wait. */
const RECEIVER = `
import array, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    text, ancillary, _, _ = s.recvmsg(4096, socket.CMSG_SPACE(64))
    for level, kind, data in ancillary:
        if kind == socket.SCM_RIGHTS:
            for fd in array.array('i', data): os.close(fd)
    print(text.decode().strip().replace('\\n', ' '), flush=True)
`;

/** A service manager: the messages it got, the environment of its services, and a folder for the test. */
export async function serviceManager(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'kpn-notify-'));
  const socket = join(folder, 'notify');
  const child = spawn('python3', ['-c', RECEIVER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  context.after(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  const lines: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.filter((line) => line !== 'bound' && line !== 'BARRIER=1'));
  });
  await once(child.stdout, 'data');
  return { folder, lines, env: { PATH: process.env['PATH'], NOTIFY_SOCKET: socket }, shown: () => lines.join('; ') };
}
