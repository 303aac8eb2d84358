import { ASSISTANT } from '#platform';
import { isObject } from 'class-validator';
import type { ChatCompletionMessageFunctionToolCall } from 'openai/resources/chat/completions';
import { randomBytes } from 'node:crypto';
import { OverBudget } from './over-budget.js';

/** A tool call as repeated in the next request. Gemini refuses one without its `extra_content`. */
export type ToolCall = ChatCompletionMessageFunctionToolCall & { extra_content?: object };

/** Limit of calls per turn. */
export const MAX_CALLS = ASSISTANT.toolCalls.most.calls;
/** Limit of their total characters. */
const MAX_CALL_CHARACTERS = ASSISTANT.toolCalls.most.characters;
const MAX_NAME = 200;
/** Limit of fragments per piece. */
const MAX_FRAGMENTS = 4 * MAX_CALLS;
/** The overhead of a fragment, in characters. */
const FRAGMENT_COST = 1;

/** The content of a fragment. */
interface Piece {
  id: string;
  index?: string;
  name: string;
  args: string;
  extra?: object;
}

/**
 * The tool calls of one turn, assembled from the fragments of a stream. Servers number calls from 0, from 1, all with
 * 0, or not at all. They send ids once, every time, new in each fragment, or never. A fragment belongs to the last
 * call, unless it has a new id, a new index, or a name after complete arguments.
 */
export class ToolCalls {
  private readonly calls: PendingCall[] = [];
  private characters = 0;

  /** @param isTool whether a tool has that name: servers may send a name in pieces */
  constructor(private readonly isTool: (name: string) => boolean) {}

  get isEmpty(): boolean {
    return this.calls.length === 0;
  }

  /** @param fragments any value from a server @throws Error (when they are too many or too long) */
  add(fragments: unknown): void {
    const list = Array.isArray(fragments) ? (fragments as unknown[]) : [fragments];
    if (list.length > MAX_FRAGMENTS) throw new OverBudget('toolCalls', 'the model calls too many tools');
    for (const fragment of list)
      if (isObject<Record<string, unknown>>(fragment)) this.take(pieceOf(fragment));
  }

  /** @param ids of earlier calls in the same request; the ids of these calls are added */
  finish(ids: Set<string>): ToolCall[] {
    return this.calls.map((call) => {
      let { id } = call;
      while (id === '' || ids.has(id)) id = newCallId();
      ids.add(id);
      const made: ToolCall = { id, type: 'function', function: { name: call.name, arguments: call.args } };
      return call.extra ? { ...made, extra_content: call.extra } : made;
    });
  }

  private take(piece: Piece): void {
    const { id, name, args, extra } = piece;
    const extraLength = extra ? JSON.stringify(extra).length : 0;
    this.characters += FRAGMENT_COST + id.length + name.length + args.length + extraLength;
    if (this.characters > MAX_CALL_CHARACTERS)
      throw new OverBudget('toolCalls', 'the tool calls are too long');
    const call = this.callOf(piece);
    if (call && !call.isFollowedBy(piece, this.isTool)) return call.add(piece);
    if (id === '' && name === '' && args === '') return;
    if (this.calls.length === MAX_CALLS) throw new OverBudget('toolCalls', 'the model calls too many tools');
    const next = new PendingCall(id, piece.index);
    // A name repeated after complete arguments belongs to the next arguments.
    next.add(name === '' && call?.isRepeated ? { ...piece, name: call.name } : piece);
    this.calls.push(next);
  }

  private callOf(piece: Piece): PendingCall | undefined {
    const { id, index, name } = piece;
    const last = this.calls.at(-1);
    const numbered = index === undefined ? undefined : this.calls.findLast((call) => call.index === index);
    if (id !== '') {
      const known = this.calls.filter((call) => call.id === id);
      if (known.length > 0) {
        if (index === undefined) return known.at(-1);
        const exact = known.findLast((call) => call.index === index || call.index === undefined);
        return exact ?? (name === '' ? known.at(-1) : undefined);
      }
      const candidate = numbered ?? (index === undefined || last?.index === undefined ? last : undefined);
      return candidate?.id === '' || candidate?.goesOnWith(piece) ? candidate : undefined;
    }
    if (index === undefined) return last;
    return numbered ?? (name === '' && last?.index === undefined ? last : undefined);
  }
}

class PendingCall {
  name = '';
  args = '';
  extra?: object;
  /** Its name was repeated after its complete arguments. */
  isRepeated = false;
  /** Its arguments are one complete JSON object or array. */
  isWhole = false;
  private depth = 0;
  private isInText = false;
  private isEscaped = false;

  constructor(
    public id: string,
    public index: string | undefined,
  ) {}

  add({ id, index, name, args, extra }: Piece): void {
    this.id ||= id;
    this.index ??= index;
    if (name === this.name) this.isRepeated ||= name !== '' && this.isWhole && isBlank(args);
    else if ((this.name += name).length > MAX_NAME)
      throw new OverBudget('toolCalls', 'the name of a tool call is too long');
    if (extra) this.extra = Object.assign(this.extra ?? {}, extra);
    if (this.isWhole && !isBlank(args)) {
      // Servers repeat a complete call at its end, or send an empty object before the arguments.
      if (args === this.args) return;
      if (this.args.length < 10 && /^\s*\{\s*\}\s*$/.test(this.args)) this.restart();
    }
    this.args += args;
    this.follow(args);
  }

  /** Whether a piece with another id belongs to this call: a server may create an id for each fragment. */
  goesOnWith({ name, args }: Piece): boolean {
    if (name === '') return args === '' || !this.isWhole;
    if (name !== this.name || this.args === '' || this.isWhole) return false;
    return this.isInText || !/^\s*\{/.test(args);
  }

  /** Whether a piece that could belong to this call begins the next one. */
  isFollowedBy({ id, name, args }: Piece, isTool: (name: string) => boolean): boolean {
    if (name === '') return this.isRepeated && !isBlank(args);
    if (this.name === '') return false;
    if (this.isWhole && !isBlank(args)) return id === '' || id !== this.id || args !== this.args;
    if (name === this.name) return false;
    return this.args !== '' || isTool(this.name);
  }

  private restart(): void {
    this.args = '';
    this.isWhole = false;
  }

  /** Reads each character once: parsing at each piece would take quadratic time. */
  private follow(args: string): void {
    for (const character of args) {
      if (this.isEscaped) this.isEscaped = false;
      else if (this.isInText) {
        if (character === '\\') this.isEscaped = true;
        else if (character === '"') this.isInText = false;
      } else if (character === '"') this.isInText = true;
      else if (character === '{' || character === '[') this.depth++;
      else if ((character === '}' || character === ']') && --this.depth === 0) this.isWhole = true;
    }
  }
}

function pieceOf(fragment: Record<string, unknown>): Piece {
  const called = isObject<Record<string, unknown>>(fragment.function) ? fragment.function : fragment;
  const { id, extra_content: extra } = fragment;
  const index = fragment.index ?? called.index;
  return {
    id: typeof id === 'string' || typeof id === 'number' ? String(id) : '',
    index: typeof index === 'string' || typeof index === 'number' ? String(index) : undefined,
    name: typeof called.name === 'string' ? called.name : '',
    args: textOf(called.arguments),
    extra: isObject(extra) ? extra : undefined,
  };
}

function textOf(args: unknown): string {
  if (args === undefined || args === null) return '';
  return typeof args === 'string' ? args : JSON.stringify(args);
}

const isBlank = (text: string) => text.trim() === '';

/** Nine letters and digits: Mistral accepts no other ids. */
const newCallId = () => `call${randomBytes(3).toString('hex').slice(0, 5)}`;
