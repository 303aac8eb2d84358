/** `setTimeout` takes no more, ms: about 25 days. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Calls `then` at a time, however far ahead. @returns what takes it back */
export function atTime(time: Date, then: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = () => {
    const left = time.getTime() - Date.now();
    timer = left > MAX_TIMEOUT_MS ? setTimeout(wait, MAX_TIMEOUT_MS) : setTimeout(then, left);
  };
  wait();
  return () => clearTimeout(timer);
}
