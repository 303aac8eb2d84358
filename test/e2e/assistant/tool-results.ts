import type { ModelMessage } from '#testing';
import { exchange, type Scene, type Conversation } from './scene.js';

export interface List<T> {
  items: T[];
}

/** Runs tools as the model of a conversation. */
export function toolsOf(at: () => { scene: Scene; conversation: Conversation }) {
  /** Makes the model call tools, and returns their results in the order of the calls. */
  async function results(...calls: { name: string; arguments: object | string }[]): Promise<string[]> {
    const { scene, conversation } = at();
    scene.model.answerWith({ calls }, { tokens: ['Вот', ' что', ' есть'] });
    const complete = await exchange(conversation.client, 'Что есть?');
    expect(complete).toMatchObject({ content: 'Вот что есть', status: 'complete' });
    expect(conversation.client.all('error')).toEqual([]);
    const { messages } = scene.model.requests.at(-1)!;
    const asked = messages.findLast((message): message is Required<ModelMessage> => !!message.tool_calls)!;
    expect(asked.tool_calls.map(({ function: { name } }) => name)).toEqual(calls.map(({ name }) => name));
    return asked.tool_calls.map(
      ({ id }) => messages.find(({ role, tool_call_id }) => role === 'tool' && tool_call_id === id)!.content!,
    );
  }
  const result = async <T>(name: string, args: object | string): Promise<T> =>
    JSON.parse((await results({ name, arguments: args }))[0]!) as T;
  return { results, result };
}
