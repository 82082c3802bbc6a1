/** The requests that a worker takes: each takes one argument and answers with plain data. */
export type Handlers = Readonly<Record<string, (argument: never) => Promise<unknown>>>;

export interface Call {
  readonly name: string;
  readonly argument: unknown;
}

export type Answer = { readonly result: unknown } | { readonly error: string };

/** In a worker: answers the calls of the process that started it, one after the other, until that one goes. */
export function serve(handlers: Handlers): void {
  process.on('message', async ({ name, argument }: Call) => {
    process.send?.(await answer(handlers, name, argument));
  });
  process.on('disconnect', () => process.exit());
}

async function answer(handlers: Handlers, name: string, argument: unknown): Promise<Answer> {
  try {
    // Worker.call checks the argument against the handler of this name.
    return { result: await handlers[name]?.(argument as never) };
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
