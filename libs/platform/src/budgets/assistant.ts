import { DAY, MINUTE, budget, bytes, rate, settingOf, time } from './budget.js';

const FAILS = 'the answer fails';

export const ASSISTANT = {
  /** Key: user id. */
  assistant: rate({ of: 'questions of a user to the assistant', setting: 'ASSISTANT_RATE', seconds: MINUTE }),
  /** Answers cost the operator money. Key: user id. */
  assistantDay: rate({ of: 'the same a day', setting: 'ASSISTANT_RATE', times: 25, seconds: DAY }),
  modelBytes: budget({
    of: 'bytes of a model’s answer, each event with 100 more',
    most: 32 * 1024 * 1024,
    shown: bytes,
    beyond: FAILS,
    refused: 'modelBytes',
  }),
  turnCharacters: budget({ of: 'characters of a model’s turn', most: 100_000, beyond: 'cut' }),
  toolCalls: budget({
    of: 'tool calls of a turn, and characters of them',
    most: { calls: 16, characters: 50_000 },
    beyond: FAILS,
    refused: 'toolCalls',
  }),
  toolCallsRun: budget({
    of: 'tool calls of a turn that are run',
    most: 8,
    beyond: 'the model is told `LIMIT_REACHED`',
  }),
  toolTurns: budget({
    of: 'turns with tool calls of an answer',
    most: 5,
    beyond: FAILS,
    refused: 'toolCalls',
  }),
  toolResult: budget({
    of: 'characters of a tool’s result',
    most: 10_000,
    beyond: 'the end is left out',
  }),
  toolTokens: settingOf({
    of: 'tokens of the tool calls of an answer, and of their results',
    setting: 'ASSISTANT_CONTEXT_TOKENS',
    beyond: 'results: `LIMIT_REACHED`; calls: the answer fails',
    refused: 'toolCalls',
  }),
  silence: settingOf({
    of: 'silence of a model',
    setting: 'ASSISTANT_TIMEOUT_MS',
    shown: time,
    beyond: FAILS,
    refused: 'modelTime',
  }),
  answerTime: budget({
    of: 'time of an answer',
    most: 300_000,
    shown: time,
    beyond: FAILS,
    refused: 'modelTime',
  }),
};
