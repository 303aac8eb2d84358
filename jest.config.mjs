/** Suites that run on one node only: their results (texts, shapes, prompts and tools) depend only on data and input. */
const ONE_NODE = [
  'bookings/slots',
  'assistant/(?:dialects|prompt|tools|tool-times)',
  'bodies',
  'errors',
  'search',
  'texts',
];
const { TEST_SIZE } = process.env;

/**
 * Real PostgreSQL and real sockets: `npm test` starts the database and runs this; `npm run test:faults` and others use
 * other roots.
 */
export default {
  testEnvironment: '<rootDir>/test/runner/environment.cjs',
  runtime: '<rootDir>/test/runner/runtime.cjs',
  roots: ['apps', 'libs', ...(TEST_SIZE === 'unit' ? [] : ['test/contract', 'test/e2e'])].map(
    (folder) => `<rootDir>/${folder}`,
  ),
  testSequencer: '<rootDir>/test/runner/sequencer.cjs',
  testPathIgnorePatterns:
    TEST_SIZE === 'cluster' ? [`/test/e2e/(?:${ONE_NODE.join('|')})\\.e2e-spec\\.ts$`] : [],
  // Only a `.spec.ts` needs no database.
  testRegex: TEST_SIZE === 'unit' ? '\\.spec\\.ts$' : '\\.(spec|int-spec|e2e-spec)\\.ts$',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {},
  testTimeout: 60_000,
  maxWorkers: 2,
};
