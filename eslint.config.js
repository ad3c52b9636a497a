import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const pure = ['model', 'health', 'decision', 'change', 'audit', 'render'];

export default tseslint.config(
  { ignores: ['dist', 'node_modules', '**/*.cjs'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'max-lines': ['error', { max: 330, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    // The functional core decides from its arguments alone: no clock, no chance, no I/O.
    files: pure.map((folder) => `src/${folder}/**/*.ts`),
    rules: {
      'no-restricted-globals': [
        'error',
        'process',
        'globalThis',
        'global',
        'setTimeout',
        'setInterval',
        'setImmediate',
        'queueMicrotask',
        'performance',
        'crypto',
        'fetch',
        'WebSocket',
        'Buffer',
        'console',
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'now is a parameter' },
        { object: 'Math', property: 'random', message: 'chance is a parameter' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: ':function[async=true]', message: 'the pure core does not wait' },
        { selector: 'AwaitExpression', message: 'the pure core does not wait' },
        { selector: 'ImportExpression', message: 'the pure core does not wait' },
        { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: 'now is a parameter' },
        { selector: 'CallExpression[callee.name="Date"]', message: 'now is a parameter' },
        { selector: 'NewExpression[callee.name="Promise"]', message: 'the pure core does not wait' },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      'max-lines': ['error', { max: 600, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    // Plain JavaScript: what runs before anything is built or installed.
    files: ['**/*.{js,mjs}'],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: {
      parserOptions: { projectService: false },
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly' },
    },
  },
);
