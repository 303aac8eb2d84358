/** What these try (words, shapes, the model's prompt and tools) is decided by the database and the question alone. */
const ONE_NODE = [
  'bookings/slots',
  'assistant/(?:dialects|prompt|tools|tool-times)',
  'bodies',
  'errors',
  'search',
  'texts',
];
const isCluster = process.env.TEST_SIZE === 'cluster';

/** Real PostgreSQL and real sockets: `npm test` starts the database and runs this, `npm run test:faults` other roots. */
export default {
  testEnvironment: '<rootDir>/test/runner/environment.cjs',
  runtime: '<rootDir>/test/runner/runtime.cjs',
  roots: ['apps', 'libs', 'test/contract', 'test/e2e'].map((folder) => `<rootDir>/${folder}`),
  testSequencer: '<rootDir>/test/runner/sequencer.cjs',
  testPathIgnorePatterns: isCluster ? [`/test/e2e/(?:${ONE_NODE.join('|')})\\.e2e-spec\\.ts$`] : [],
  testRegex: '\\.(spec|int-spec|e2e-spec)\\.ts$',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {},
  testTimeout: 60_000,
  maxWorkers: 2,
};
