import { DAY, MINUTE, budget, bytes, rate, settingOf, time } from './budget.js';

const FAILS = 'the answer fails';

export const ASSISTANT = {
  /** Key: user id. */
  assistant: rate({ of: 'questions of a user to the assistant', setting: 'ASSISTANT_RATE', seconds: MINUTE }),
  /** Answers cost the operator money. Key: user id. */
  assistantDay: rate({
    of: 'daily questions of a user to the assistant',
    setting: 'ASSISTANT_RATE',
    times: 25,
    seconds: DAY,
  }),
  modelBytes: budget({
    of: 'bytes of a model’s answer, plus 100 for each event',
    most: 32 * 1024 * 1024,
    shown: bytes,
    beyond: FAILS,
    refused: 'modelBytes',
  }),
  answersOfOne: budget({
    of: 'answers of a user in a process: at once, waiting',
    most: { atOnce: 4, waiting: 100 },
    beyond: '`RATE_LIMIT`',
    refused: 'answers of one user',
  }),
  /** Each takes up to 2 MB, together a third of a heap of 384 MB. */
  answersOfAll: budget({
    of: 'answers in a process: at once, waiting',
    most: { atOnce: 64, waiting: 1000 },
    beyond: '`UNAVAILABLE`, first for users with the most',
    refused: 'answers',
  }),
  answerCharacters: budget({
    of: 'characters of an answer, over all its turns',
    most: 100_000,
    beyond: 'truncated',
  }),
  storedTokens: budget({
    of: 'tokens of answers that wait to be stored',
    most: 100_000,
    beyond: FAILS,
    refused: 'answerTokens',
  }),
  toolCalls: budget({
    of: 'tool calls of a turn, and their characters',
    most: { calls: 16, characters: 50_000 },
    beyond: FAILS,
    refused: 'toolCalls',
  }),
  toolCallsRun: budget({
    of: 'executed tool calls of a turn',
    most: 8,
    beyond: 'the model gets `LIMIT_REACHED`',
  }),
  toolTurns: budget({
    of: 'turns with tool calls in an answer',
    most: 5,
    beyond: FAILS,
    refused: 'toolCalls',
  }),
  toolResult: budget({
    of: 'characters of a tool’s result',
    most: 10_000,
    beyond: 'truncated',
  }),
  toolTokens: settingOf({
    of: 'tokens of an answer’s tool calls, and of their results',
    setting: 'ASSISTANT_CONTEXT_TOKENS',
    beyond: 'results: `LIMIT_REACHED`; calls: the answer fails',
    refused: 'toolCalls',
  }),
  silence: settingOf({
    of: 'time without data from a model',
    setting: 'ASSISTANT_TIMEOUT_MS',
    shown: time,
    beyond: FAILS,
    refused: 'modelTime',
  }),
  answerTime: budget({
    of: 'total time of an answer',
    most: 300_000,
    shown: time,
    beyond: FAILS,
    refused: 'modelTime',
  }),
};
