/** Milliseconds until an answer is given up. */
const PATIENCE = 12_000;

/** Asks the daemon. Rejects with what it says, or with why it says nothing. */
export async function ask<Answer>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const query = new URLSearchParams(parameters).toString();
  return answerOf(
    await fetch(`page/${path}${query === '' ? '' : `?${query}`}`, { signal: AbortSignal.timeout(PATIENCE) }),
  );
}

/** Has the daemon do some work, with proof that it is this page which asks. */
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
 * Calls `action` now and then every so many milliseconds, as long as the page can be seen: a page that nobody looks at costs
 * the daemon nothing. One call at a time.
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
