/**
 * Settles as the promise does. After `ms` milliseconds it rejects with the result of `late`, which should
 * tear down the hanging work; the promise's own end is then ignored.
 */
export function within<T>(ms: number, promise: Promise<T>, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    let settled = false;
    // If this process itself was held up, the answer may be here unread: one turn of the loop reads it.
    const timer = setTimeout(() => {
      setImmediate(() => {
        if (!settled) reject(late());
      });
    }, ms);
    const settle = (): void => {
      settled = true;
      clearTimeout(timer);
    };
    promise.then(
      (value) => {
        settle();
        resolve(value);
      },
      (error: unknown) => {
        settle();
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it is passed on as it is
        reject(error);
      },
    );
  });
}
