import { AppError } from '#contracts';
import { Config } from '#platform';
import { Injectable } from '@nestjs/common';
import OpenAI from 'openai';
import type {
  ChatCompletionFunctionTool,
  ChatCompletionMessageFunctionToolCall,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions';

export type PromptMessage = ChatCompletionMessageParam;
export type ToolCall = ChatCompletionMessageFunctionToolCall;

/** The most characters of an answer: a model that never ends is ended. */
const MAX_ANSWER = 100_000;
/** The same of all that it sends: what it thinks, and what it wants to look up. */
const MAX_SENT = 1_000_000;

/** There is no model to ask, or it does not answer. */
export class AssistantUnavailable extends AppError {
  constructor(message: string) {
    super('UNAVAILABLE', message);
  }
}

/** The language model, behind any server that speaks the chat-completions protocol. */
@Injectable()
export class Model {
  private readonly client?: OpenAI;

  constructor(private readonly config: Config) {
    const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseURL } = config;
    if (apiKey) this.client = new OpenAI({ apiKey, baseURL, maxRetries: 0 });
  }

  /** @throws AssistantUnavailable */
  requireClient(): OpenAI {
    if (this.client) return this.client;
    throw new AssistantUnavailable(
      'The assistant is not set up: set OPENAI_API_KEY, and OPENAI_BASE_URL for a model server of your own',
    );
  }

  /**
   * One answer, token by token, and the tools that the model wants to use before it goes on.
   * @throws Error when the model fails, breaks off or is silent for longer than ASSISTANT_TIMEOUT_MS; when aborted
   */
  async ask(
    messages: PromptMessage[],
    tools: ChatCompletionFunctionTool[],
    signal: AbortSignal,
    onToken: (token: string) => void,
  ): Promise<ToolCall[]> {
    const silence = new AbortController();
    const giveUp = () => silence.abort(new Error('the model is silent'));
    let timer = setTimeout(giveUp, this.config.ASSISTANT_TIMEOUT_MS);
    const calls: ToolCall[] = [];
    let length = 0;
    let sent = 0;
    let finished = false;
    try {
      const stream = await this.requireClient().chat.completions.create(
        { model: this.config.ASSISTANT_MODEL, messages, tools, stream: true, temperature: 0.7 },
        { signal: AbortSignal.any([signal, silence.signal]) },
      );
      for await (const { choices } of stream) {
        const choice = choices?.[0];
        if (!choice) continue;
        const size = sizeOf(choice.delta);
        // Who sends empty pieces is silent all the same.
        if (size > 0) {
          clearTimeout(timer);
          timer = setTimeout(giveUp, this.config.ASSISTANT_TIMEOUT_MS);
        }
        if ((sent += size) > MAX_SENT) throw new Error('the model goes on without end');
        if (choice.delta?.content) {
          onToken(choice.delta.content);
          length += choice.delta.content.length;
          if (length > MAX_ANSWER) return [];
        }
        for (const { index, id, function: called } of choice.delta?.tool_calls ?? []) {
          const call = (calls[index] ??= { id: '', type: 'function', function: { name: '', arguments: '' } });
          call.id ||= id ?? '';
          call.function.name += called?.name ?? '';
          call.function.arguments += called?.arguments ?? '';
        }
        finished ||= choice.finish_reason !== null && choice.finish_reason !== undefined;
      }
    } finally {
      clearTimeout(timer);
    }
    // A stream that was cut ends without a word, or, when it was given up here, as if it were whole.
    if (!finished) throw new Error('the model broke off');
    return calls.filter(Boolean);
  }
}

/** How many characters a piece of an answer has: text, calls, and what some models send of their thoughts. */
function sizeOf(delta: object | undefined): number {
  if (!delta) return 0;
  let size = 0;
  for (const [key, value] of Object.entries(delta) as [string, unknown][])
    if (key !== 'role' && typeof value === 'string') size += value.length;
    else if (Array.isArray(value) && value.length > 0) size += JSON.stringify(value).length;
  return size;
}
