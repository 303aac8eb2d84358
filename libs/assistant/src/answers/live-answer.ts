import { newId } from '#platform';
import type { Question } from './answer-store.js';

/** An answer while it is generated. */
export class LiveAnswer {
  readonly id = newId();
  readonly tokens: string[] = [];
  /** Its reason is the status of the answer. */
  readonly ended = new AbortController();
  isShown = false;
  /** Whether it waits for an answer of its chat that another node generates. */
  isBehind = false;
  /** Resolves when the answer is stored, or lost. */
  over?: Promise<void>;
  /** One half of a surrogate pair that waits for the other half. */
  private half = '';

  constructor(readonly question: Question) {}

  /** Adds a text of the model. @returns its token, if it has one: a text may be empty, or arrive after the end */
  add(given: string): { token: string; index: number } | undefined {
    if (this.ended.signal.aborted) return undefined;
    const text = (this.half + given).replaceAll('\0', '');
    this.half = /[\ud800-\udbff]$/.exec(text)?.[0] ?? '';
    const token = (this.half ? text.slice(0, -1) : text).toWellFormed();
    return token === '' ? undefined : { token, index: this.tokens.push(token) - 1 };
  }
}
