/** How often the clock is looked at, ms: it may be set ahead. A timeout may also not be longer than 25 days. */
const LOOK_MS = 10_000;

/** Calls `then` at a time, however far ahead. @returns what takes it back */
export function scheduleAt(time: Date, then: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = () => {
    const left = time.getTime() - Date.now();
    timer = left > LOOK_MS ? setTimeout(wait, LOOK_MS) : setTimeout(then, left);
  };
  wait();
  return () => clearTimeout(timer);
}
