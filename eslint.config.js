import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import { importX } from 'eslint-plugin-import-x';
import unicorn from 'eslint-plugin-unicorn';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'eslint.config.js', 'plugins/**', 'scripts/**'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './src/page/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      // A number in a sentence is fine.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `return refuse(…)` is the shortest way to say: and nothing more.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Imports go one way: http → runtime → registry ← store. The registry imports nobody.
      'no-restricted-imports': 'off',
    },
  },
  {
    // Of unicorn only the rules that find what goes wrong; none is about taste.
    plugins: { unicorn },
    rules: {
      'unicorn/no-accessor-recursion': 'error',
      'unicorn/no-await-in-promise-methods': 'error',
      'unicorn/no-instanceof-builtins': 'error',
      'unicorn/no-invalid-fetch-options': 'error',
      'unicorn/no-invalid-remove-event-listener': 'error',
      'unicorn/no-negation-in-equality-check': 'error',
      'unicorn/no-single-promise-in-promise-methods': 'error',
      // `await import()` of a module that exports `then` calls it and never resolves.
      'unicorn/no-thenable': 'error',
      'unicorn/prefer-node-protocol': 'error',
      'unicorn/throw-new-error': 'error',
    },
  },
  {
    // Types may refer to each other in a circle; what runs may not.
    files: ['src/**'],
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver({ project: './tsconfig.json' })] },
    rules: { 'import-x/no-cycle': ['error', { ignoreExternal: true }] },
  },
  {
    files: ['src/registry/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: '^\\.\\./', message: 'The registry is pure: it imports nothing of this project.' },
          ],
        },
      ],
      'no-restricted-globals': [
        'error',
        'Date',
        'performance',
        'process',
        'setTimeout',
        'setInterval',
        'fetch',
      ],
    },
  },
  {
    files: ['src/store/**', 'src/probe/**', 'src/runtime/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '/(http|metrics|cli)/|^prom-client$',
              message: 'Imports go one way: http → runtime → registry ← store.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['src/http/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '\\.\\./metrics/|^prom-client$',
              message: 'HTTP tells its observer (http-observer.ts) and knows nothing of what counts.',
            },
          ],
        },
      ],
    },
  },
  {
    // What runs in a browser has nothing of node, and of the server only its types.
    files: ['src/page/**'],
    rules: {
      'no-restricted-globals': ['error', 'process', 'Buffer', 'global', 'require', '__dirname'],
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: '/(http|cli|runtime|store|probe)/', message: 'The page knows the server by its API.' },
            { regex: '^node:', message: 'The page runs in a browser.' },
          ],
        },
      ],
    },
  },
  {
    // node:test's describe and it return promises that the runner itself awaits.
    files: ['test/**', 'bench/**'],
    rules: {
      // A test that is wrong about its own data fails, as it should.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // assert's own narrowing makes a later look at changed state seem needless.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', name: ['describe', 'it', 'test', 'after', 'before'], package: 'node:test' },
          ],
        },
      ],
    },
  },
);
