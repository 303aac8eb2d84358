import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Words that said nothing to a newcomer: each stood for several things that have names. */
const PRIVATE_WORDS = [
  'carryOut',
  'complain',
  'crowd',
  'cutOff',
  'deeds',
  'doubt',
  'greeting',
  'hear',
  'heard',
  'hers',
  'his',
  'manners',
  'news',
  'surely',
  'tell',
  'tellAll',
  'tells',
  'ties',
  'told',
  'turnAway',
  'untold',
];

export default defineConfig(
  { ignores: ['**/dist/', 'coverage/', '.data/', 'libs/platform/src/prisma/generated/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // A lost promise also loses its error.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/prefer-promise-reject-errors': 'error',

      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/no-base-to-string': 'error',
      '@typescript-eslint/no-for-in-array': 'error',
      '@typescript-eslint/no-unsafe-argument': 'error',
      '@typescript-eslint/require-array-sort-compare': ['error', { ignoreStringArrays: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      // docs/glossary.md defines the words of the project.
      'id-denylist': ['error', ...PRIVATE_WORDS],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: '@nestjs/common',
              importNames: ['forwardRef'],
              message: 'A circle between modules: move what both need to the left.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'console',
          'process',
          'fetch',
          'URL',
          'setTimeout',
          'clearTimeout',
          'module',
          'performance',
          'AbortSignal',
          'AbortController',
          'Buffer',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
);
