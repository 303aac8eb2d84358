/** Real PostgreSQL and real sockets: `npm test` starts the database and runs this, `npm run test:faults` other roots. */
export default {
  testEnvironment: '<rootDir>/test/runner/environment.cjs',
  runtime: '<rootDir>/test/runner/runtime.cjs',
  roots: ['apps', 'libs', 'test/contract', 'test/e2e'].map((folder) => `<rootDir>/${folder}`),
  testSequencer: '<rootDir>/test/runner/sequencer.cjs',
  testRegex: '\\.(spec|int-spec|e2e-spec)\\.ts$',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {},
  testTimeout: 60_000,
  maxWorkers: 2,
};
