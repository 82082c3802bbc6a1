/** Milliseconds until we stop waiting for an answer. */
const PATIENCE = 12_000;

/** Requests something from the daemon. Rejects with its message, or with the reason why it does not answer. */
export async function get<Answer>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const query = new URLSearchParams(parameters).toString();
  return answerOf(
    await fetch(`page/${path}${query === '' ? '' : `?${query}`}`, { signal: AbortSignal.timeout(PATIENCE) }),
  );
}

/** Makes the daemon do some work, with proof that the request comes from this page. */
export async function post<Answer>(path: string, body: object): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(PATIENCE);
  return answerOf(await fetch(`page/${path}`, { method: 'POST', headers, body: JSON.stringify(body), signal }));
}

async function answerOf<Answer>(response: Response): Promise<Answer> {
  if (!response.ok) throw new Error((await response.text()).trim() || `the daemon answers ${response.status}`);
  return response.json();
}

/**
 * Calls `action` now, and then every `milliseconds`, as long as the page is visible: a page that nobody looks at costs the
 * daemon nothing. One call at a time.
 */
export function repeat(milliseconds: number, action: () => Promise<void>): void {
  let isBusy = false;
  const once = () => {
    if (isBusy || document.hidden) return;
    isBusy = true;
    void action().finally(() => {
      isBusy = false;
    });
  };
  once();
  setInterval(once, milliseconds);
  document.addEventListener('visibilitychange', once);
}
