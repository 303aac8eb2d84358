/** How old an answer may be that anybody may ask for, ms. */
const KNOWN_MS = 1000;

/** Gives an answer again for a second: however many ask, one question is on its way at a time. */
export function remembered<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  const forget = () => void setTimeout(() => (answer = undefined), KNOWN_MS).unref();
  return () => {
    if (!answer) {
      answer = ask();
      answer.then(forget, forget);
    }
    return answer;
  };
}
