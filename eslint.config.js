import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'eslint.config.js', 'plugins/**'] },
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
              message: 'HTTP tells its observer (traffic.ts) and knows nothing of what counts.',
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
