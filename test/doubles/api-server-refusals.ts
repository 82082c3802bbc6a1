import type { ServerResponse } from 'node:http';

/** What else an answer may have. */
export interface Refusal {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Answers with a status and a Status object, or with another body. */
export function refuse(response: ServerResponse, code: number, message: string, fault: Refusal = {}): void {
  response.writeHead(code, { 'content-type': 'application/json', ...fault.headers });
  response.end(fault.body ?? JSON.stringify(statusOf(code, message)));
}

/** A Status object. */
export function statusOf(code: number, message: string): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message };
}

/** How a real server words it: storage.NewTooLargeResourceVersionError of k8s.io/apiserver. */
export function tooLarge(wanted: number, current: number): object {
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }];
  const message = `Timeout: Too large resource version: ${wanted}, current: ${current}`;
  return { ...statusOf(504, message), reason: 'Timeout', details: { causes, retryAfterSeconds: 1 } };
}
