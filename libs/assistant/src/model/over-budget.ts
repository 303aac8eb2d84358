/** A model sends more, or takes longer, than an answer may: the answer fails. `budget` is the metric's (docs/limits.md). */
export class OverBudget extends Error {
  constructor(
    readonly budget: 'modelBytes' | 'modelTime' | 'toolCalls',
    message: string,
  ) {
    super(message);
  }
}
