/** Interval of clock checks, ms: the clock may be set ahead. A timeout is also limited to 25 days. */
const LOOK_MS = 10_000;

/** Calls `then` at a time, however far ahead. @returns a function that cancels it */
export function scheduleAt(time: Date, then: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = () => {
    const left = time.getTime() - Date.now();
    timer = left > LOOK_MS ? setTimeout(wait, LOOK_MS) : setTimeout(then, left);
  };
  wait();
  return () => clearTimeout(timer);
}
