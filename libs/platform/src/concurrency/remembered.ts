import { BEFORE_SIGN_IN } from '../limits/budgets/index.js';

/** Caches an answer for a second. Concurrent callers share one request. */
export function remembered<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  const forget = () => void setTimeout(() => (answer = undefined), BEFORE_SIGN_IN.lookUps.most).unref();
  return () => {
    if (!answer) {
      answer = ask();
      answer.then(forget, forget);
    }
    return answer;
  };
}
