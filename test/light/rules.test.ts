import { runTests } from '../support/run-tests.js';

await runTests(['registry', 'doctor', 'runtime', 'store']);
