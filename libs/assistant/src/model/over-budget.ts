/**
 * A model sends more, or takes longer, than the limit: the answer fails. `budget` is the metric's label
 * (docs/limits.md).
 */
export class OverBudget extends Error {
  constructor(
    readonly budget: 'modelBytes' | 'modelTime' | 'toolCalls',
    message: string,
  ) {
    super(message);
  }
}
