import { ModelServer, TestApp, type Account, type AssistantClient } from '#testing';
import { PassThrough } from 'node:stream';

export const APOLOGY = 'Извините, произошла ошибка при обработке вашего сообщения.';
/** How long the model may stall, ms. */
export const TIMEOUT = 400;

export interface Stored {
  _id: string;
  messageId: string;
  content: string;
  role: 'user' | 'assistant';
  status: string;
}

export interface Joined {
  chatId: string;
  title: string;
  messages: Stored[];
}

export interface Complete {
  messageId: string;
  content: string;
  role: string;
  status: string;
  title: string;
  timestamp: string;
}

/** The whole platform with its own model server. */
export class Scene {
  private constructor(
    readonly app: TestApp,
    readonly model: ModelServer,
  ) {}

  static async start(env: Record<string, string> = {}): Promise<Scene> {
    const model = await ModelServer.start();
    return new Scene(await TestApp.start({ ...Scene.env(model), ...env }), model);
  }

  static env(model: ModelServer): Record<string, string> {
    return {
      OPENAI_API_KEY: 'test',
      OPENAI_BASE_URL: model.url,
      ASSISTANT_MODEL: 'test-model',
      ASSISTANT_TIMEOUT_MS: String(TIMEOUT),
    };
  }

  /** @throws Error (also when the model received a request that a real one refuses) */
  async stop(): Promise<void> {
    await this.app.stop().finally(() => this.model.stop());
    if (this.model.violations.length > 0)
      throw new Error(`of the model: ${this.model.violations.join('; ')}`);
  }

  /** A device that is signed in and in no chat. */
  async signedIn(account: Account): Promise<AssistantClient> {
    const client = await this.app.assistant();
    client.send('join_chat', { token: account.token });
    return client;
  }

  /** A device in a new chat. */
  async chat(account?: Account): Promise<Conversation> {
    const owner = account ?? (await this.app.register());
    const client = await this.signedIn(owner);
    const { chatId } = await client.ask('create_chat', {}, 'chat_created');
    return { account: owner, client, chatId: chatId! };
  }

  /** Joins an existing chat with another device, and returns the answer to the join. */
  async join(
    { account, chatId }: Omit<Conversation, 'client'>,
    resume?: { messageId: string; index: number },
  ): Promise<{ client: AssistantClient; joined: Joined }> {
    const client = await this.app.assistant();
    const joined = await client.ask<Joined>(
      'join_chat',
      { token: account.token, chatId, resume },
      'chat_joined',
    );
    return { client, joined };
  }

  /** Asks and waits until the model has been asked, and so has taken its script. Returns the id of the answer. */
  async begin(client: AssistantClient, message: string): Promise<string> {
    const before = this.model.requests.length;
    const messageId = await begin(client, message);
    await this.model.request(before + 1);
    return messageId;
  }

  /** The stored messages as a joining device receives them: role, status and content of each. */
  async history(conversation: Omit<Conversation, 'client'>): Promise<string[]> {
    const { client, joined } = await this.join(conversation);
    client.close();
    return joined.messages.map(({ role, status, content }) => `${role} ${status}: ${content}`);
  }
}

export interface Conversation {
  account: Account;
  client: AssistantClient;
  chatId: string;
}

/** Tokens that the test writes one by one. */
export const byHand = () => new PassThrough({ objectMode: true });

/** Asks and waits for the whole answer. */
export const exchange = (client: AssistantClient, message: string) =>
  client.ask<Complete>('message', { message }, 'assistant_message_complete');

/** Asks and waits only for the start. Returns the id of the answer. */
export const begin = async (client: AssistantClient, message: string) =>
  (await client.ask<{ messageId: string }>('message', { message }, 'assistant_message_start')).messageId;

/** Waits until this many tokens of an answer have arrived. */
export const receivedTokens = (client: AssistantClient, messageId: string, count: number) =>
  client.until(() => client.tokens(messageId).length >= count || undefined, `${count} tokens`);
