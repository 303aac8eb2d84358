import { BEFORE_SIGN_IN } from '../limits/budgets/index.js';

/** Gives an answer again for a second: however many ask, one question is on its way at a time. */
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
