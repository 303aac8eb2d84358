/** Real PostgreSQL and real sockets: `npm test` starts the database and runs this, `npm run test:faults` other roots. */
export default {
  testEnvironment: 'node',
  roots: ['apps', 'libs', 'test/contract', 'test/e2e', 'test/cluster'].map((folder) => `<rootDir>/${folder}`),
  testRegex: '\\.(spec|int-spec|e2e-spec)\\.ts$',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': '@swc/jest' },
  moduleNameMapper: {
    '^#(\\w+)$': '<rootDir>/libs/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  testTimeout: 60_000,
  maxWorkers: 2,
  // What a worker has loaded for one file it never lets go of.
  workerIdleMemoryLimit: '1.5GB',
};
