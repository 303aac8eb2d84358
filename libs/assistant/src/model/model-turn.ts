import { isObject } from 'class-validator';
import type { ChatCompletionAssistantMessageParam } from 'openai/resources/chat/completions';
import { ToolCalls, type ToolCall } from './tool-calls.js';
import { OverBudget } from './over-budget.js';

/** Limit of characters of reasoning that are returned to the model. */
const MAX_THOUGHTS = 20_000;
/** Limit of parts of one text. */
const MAX_PARTS = 1000;

/** One turn of the model, assembled from the pieces of its stream. Any field of a piece may have any value. */
export class ModelTurn {
  readonly calls: ToolCalls;
  /** DeepSeek refuses tool calls that are returned without the reasoning before them. */
  thoughts = '';
  /** The finish reason of the turn; empty while it continues. */
  finish = '';
  private hasText = false;
  /** The index of the used choice, after a piece has named it. */
  private choice?: string;

  constructor(isTool: (name: string) => boolean) {
    this.calls = new ToolCalls(isTool);
  }

  /**
   * @returns the text of a piece, and whether the piece is empty. @throws Error (when there are too many tool calls or
   *   parts)
   */
  take(chunk: unknown): { text: string; isSilent: boolean } {
    const silence = { text: '', isSilent: true };
    if (!isObject<{ choices: unknown }>(chunk) || !Array.isArray(chunk.choices)) return silence;
    const [choice] = chunk.choices as unknown[];
    if (!isObject<Record<string, unknown>>(choice)) return silence;
    // One choice is used, even if a server sends several. A piece without an index belongs to it.
    const index = indexOf(choice);
    this.choice ??= index;
    if (index !== undefined && index !== this.choice) return silence;
    if (typeof choice.finish_reason === 'string') this.finish ||= choice.finish_reason;
    const delta = isObject<Record<string, unknown>>(choice.delta) ? choice.delta : {};
    const text = this.said(delta);
    // Some servers send a complete message instead of pieces, or repeat it at the end.
    const message = isObject<Record<string, unknown>>(choice.message) ? choice.message : {};
    const more = this.hasText ? '' : textOf(message.content) + textOf(message.refusal);
    if (this.calls.isEmpty) this.call(message);
    if (this.thoughts === '') this.think(message);
    this.hasText ||= more !== '';
    return { text: text + more, isSilent: text + more === '' && isEmpty(delta) && isEmpty(message) };
  }

  /** The turn as repeated in the next request: servers refuse arguments that are not a JSON object. */
  toMessage(text: string, calls: ToolCall[]): ChatCompletionAssistantMessageParam {
    const tool_calls = calls.map((call) => {
      const { name, arguments: args } = call.function;
      return { ...call, function: { name, arguments: isJsonObject(args) ? args : '{}' } };
    });
    const message = { role: 'assistant' as const, content: text || null, tool_calls };
    return this.thoughts ? Object.assign(message, { reasoning_content: this.thoughts }) : message;
  }

  private said(delta: Record<string, unknown>): string {
    const text = textOf(delta.content) + textOf(delta.refusal);
    this.hasText ||= text !== '';
    this.call(delta);
    this.think(delta);
    return text;
  }

  private call({ tool_calls, function_call }: Record<string, unknown>): void {
    this.calls.add(tool_calls);
    this.calls.add(function_call);
  }

  private think({ reasoning_content }: Record<string, unknown>): void {
    if (typeof reasoning_content === 'string' && this.thoughts.length < MAX_THOUGHTS)
      this.thoughts += reasoning_content.slice(0, MAX_THOUGHTS - this.thoughts.length);
  }
}

const indexOf = ({ index }: Record<string, unknown>) =>
  typeof index === 'string' || typeof index === 'number' ? String(index) : undefined;

/** A text, or the joined texts of its parts. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return partOf(content);
  if (content.length > MAX_PARTS) throw new OverBudget('modelBytes', 'the model sends too much at once');
  return (content as unknown[]).map(partOf).join('');
}

function partOf(part: unknown): string {
  if (typeof part === 'string') return part;
  if (!isObject<Record<string, unknown>>(part)) return '';
  const text = part.type === 'refusal' ? part.refusal : isTextType(part.type) ? part.text : undefined;
  return typeof text === 'string' ? text : '';
}

const isTextType = (type: unknown) => type === undefined || type === 'text' || type === 'output_text';

function isJsonObject(text: string): boolean {
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
}

/** Only a role, or fields without content. */
const isEmpty = (delta: Record<string, unknown>) =>
  Object.entries(delta).every(
    ([key, value]) =>
      key === 'role' ||
      value === null ||
      value === '' ||
      (typeof value !== 'object' && typeof value !== 'string') ||
      (Array.isArray(value) && value.length === 0),
  );

/** Some models write their reasoning before the answer. */
const THOUGHTS = /^(?:\s*<think>[^]*?<\/think>)+/i;

/** An answer of reasoning alone counts as empty: a user would see nothing. */
export const isVisible = (text: string) =>
  /[^\p{C}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}\u2800]/u.test(text.replace(THOUGHTS, ''));
