import { AppError } from '#contracts';
import { Config, logger } from '#platform';
import { Injectable } from '@nestjs/common';
import OpenAI from 'openai';
import type {
  ChatCompletionFunctionTool,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions';
import { fetchEvents } from './model-events.js';
import { ModelTurn } from './model-turn.js';
import { OverBudget } from './over-budget.js';

export type PromptMessage = ChatCompletionMessageParam;

/** Limit of characters of a server's message in the log. */
const MAX_LOGGED = 300;
/** How much of the message is searched for a parameter's name. */
const MAX_SEARCHED = 2000;

/** No model is configured, or it does not answer. */
export class AssistantUnavailable extends AppError {
  constructor(message: string) {
    super('UNAVAILABLE', message);
  }
}

/** The language model, behind any server with the chat-completions protocol. */
@Injectable()
export class Model {
  private readonly client?: OpenAI;

  constructor(private readonly config: Config) {
    const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseURL } = config;
    // By default the client logs data that it cannot parse: messages must not be logged.
    if (apiKey)
      this.client = new OpenAI({ apiKey, baseURL, maxRetries: 0, logLevel: 'off', fetch: fetchEvents });
  }

  /** @throws AssistantUnavailable */
  requireClient(): OpenAI {
    if (this.client) return this.client;
    throw new AssistantUnavailable(
      'The assistant is not set up: set OPENAI_API_KEY, and OPENAI_BASE_URL for your own model server',
    );
  }

  /**
   * One turn, its text token by token: an answer, or tool calls before it continues.
   * @param maxCharacters longer text is truncated, and ends the turn
   * @throws Error (when the model fails, stops early, sends too much or stalls for longer than ASSISTANT_TIMEOUT_MS, or
   *   when aborted)
   */
  async ask(
    messages: PromptMessage[],
    tools: ChatCompletionFunctionTool[],
    signal: AbortSignal,
    maxCharacters: number,
    onToken: (token: string) => void,
  ): Promise<ModelTurn> {
    const silence = new AbortController();
    const giveUp = () => silence.abort(new OverBudget('modelTime', 'the model stalled'));
    let timer = setTimeout(giveUp, this.config.ASSISTANT_TIMEOUT_MS);
    const names = new Set(tools.map((tool) => tool.function.name));
    const turn = new ModelTurn((name) => names.has(name));
    let left = maxCharacters;
    try {
      const stream = await this.request(messages, tools, AbortSignal.any([signal, silence.signal]));
      for await (const chunk of stream) {
        const { text, isSilent } = turn.take(chunk);
        // A server that sends empty pieces counts as stalled.
        if (!isSilent) {
          clearTimeout(timer);
          timer = setTimeout(giveUp, this.config.ASSISTANT_TIMEOUT_MS);
        }
        if (text !== '') onToken(text.slice(0, left));
        if ((left -= text.length) < 0) {
          turn.finish = 'length';
          break;
        }
      }
    } catch (error) {
      throw silence.signal.aborted ? silence.signal.reason : error;
    } finally {
      clearTimeout(timer);
    }
    // The client ends the stream of an aborted request like a complete one.
    if (silence.signal.aborted) throw silence.signal.reason as Error;
    if (turn.finish === '') throw new Error('the model ended its stream early');
    if (turn.finish === 'content_filter') throw new Error('the answer was withheld (content_filter)');
    return turn;
  }

  /** Servers accept different parameters: the request is repeated without a parameter that the server refuses. */
  private async request(messages: PromptMessage[], tools: ChatCompletionFunctionTool[], signal: AbortSignal) {
    const { ASSISTANT_MODEL: model, ASSISTANT_TEMPERATURE: temperature } = this.config;
    const optional: { tools?: ChatCompletionFunctionTool[]; temperature?: number } = { tools };
    if (temperature !== undefined) optional.temperature = temperature;
    // Calls cannot be repeated without the tools that they call.
    const fixed = messages.some(({ role }) => role === 'tool') ? 'tools' : undefined;
    for (;;) {
      try {
        return await this.requireClient().chat.completions.create(
          { model, messages, stream: true, ...optional },
          { signal },
        );
      } catch (error) {
        const refused = OPTIONAL.find((name) => name in optional && name !== fixed && isRefused(name, error));
        if (!refused) throw error;
        delete optional[refused];
        logger.warn({ parameter: refused, err: reasonOf(error) }, 'the model server refuses a parameter');
      }
    }
  }
}

const OPTIONAL = ['temperature', 'tools'] as const;
const REFUSALS = {
  temperature: /\btemperature\b/i,
  /** Does not match the refusal of a message about a tool. */
  tools:
    /(?=[^]*\b(?:tools?|tool[ _](?:use|choice|calling)|functions?)\b)(?=[^]*(?:support|require|enable|unavailable|not (?:allowed|permitted)|unknown|unrecognized|unexpected|extra))/i,
};

/** llama.cpp answers 500 to tools when it was started without them, OpenRouter 404. */
function isRefused(name: keyof typeof REFUSALS, error: unknown): boolean {
  if (!(error instanceof OpenAI.APIError) || ![400, 404, 422, 500, 501].includes(error.status as number))
    return false;
  return error.param === name || REFUSALS[name].test(error.message.slice(0, MAX_SEARCHED));
}

/** The cause of a failure, for the log. */
export const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).slice(0, MAX_LOGGED);
