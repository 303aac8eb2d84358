/** Which lib may import which, checked by `npm run check`. */

/** A lib imports only from its left; those that share a place do not know each other. */
const ORDER = [
  ['contracts'],
  ['platform'],
  ['realtime'],
  ['embedded-postgres', 'identity'],
  ['presence', 'notifications'],
  ['social'],
  ['marketplace'],
  ['chat'],
  ['assistant', 'admin'],
];
const TESTS = ['\\.(spec|int-spec|e2e-spec)\\.ts$', '^test/', '^libs/[^/]+/src/test-[^/]+\\.ts$'];

const leftToRight = ORDER.flatMap((place, position) =>
  place.map((name) => ({
    name: `${name}-imports-only-from-its-left`,
    from: { path: `^libs/${name}/` },
    to: {
      path: '^libs/',
      pathNot: [...ORDER.slice(0, position).flat(), name, 'testing'].map((lib) => `^libs/${lib}/`),
    },
  })),
);

const rules = [
  ...leftToRight,
  {
    name: 'libs-by-their-index',
    comment: "Another lib's insides are its own business.",
    from: { path: '^(libs/[^/]+|apps|bench|test)/' },
    to: { path: '^libs/', pathNot: ['^$1/', '^libs/[^/]+/src/index\\.ts$'] },
  },
  {
    name: 'libs-by-their-name',
    comment: "Write '#chat', not a path.",
    from: { path: '^(libs/[^/]+|apps|bench|test)/' },
    to: { path: '^libs/', pathNot: '^$1/', dependencyTypesNot: ['aliased-subpath-import'] },
  },
  {
    name: 'libs-know-no-apps',
    comment: 'Only the tests start whole apps.',
    from: { path: '^libs/', pathNot: ['^libs/testing/', ...TESTS] },
    to: { path: '^apps/' },
  },
  {
    name: 'apps-know-no-other-app',
    comment: 'Standalone composes the three.',
    from: { path: '^(apps/[^/]+)/', pathNot: ['^apps/standalone/', ...TESTS] },
    to: { path: '^apps/', pathNot: '^$1/' },
  },
  {
    name: 'testing-is-for-tests',
    from: { pathNot: ['^libs/testing/', ...TESTS] },
    to: { path: '^libs/testing/' },
  },
  {
    name: 'socket-io-stays-outside',
    comment: 'Features publish to topics and know no transport.',
    from: { path: '^(apps|libs)/', pathNot: ['^apps/realtime/', '^libs/testing/'] },
    to: { path: 'node_modules/(socket\\.io|@socket\\.io/[^/]+|@nestjs/platform-socket\\.io)/' },
  },
  {
    name: 'bullmq-stays-outside',
    from: { path: '^(apps|libs)/', pathNot: ['^apps/worker/', '^libs/platform/'] },
    to: { path: 'node_modules/(bullmq|@nestjs/bullmq)/' },
  },
  { name: 'no-cycles', from: {}, to: { circular: true } },
  { name: 'everything-resolves', from: {}, to: { couldNotResolve: true } },
];

module.exports = {
  forbidden: rules.map((rule) => ({ severity: 'error', ...rule })),
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'prisma/generated' },
    // Imports of types count too.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      // '#lib' has its sources under "types".
      conditionNames: ['types', 'import', 'node', 'default'],
      exportsFields: ['exports'],
    },
  },
};
