import { runTests } from '../support/run-tests.js';

await runTests(['agent', 'cli', 'docs', 'start']);
