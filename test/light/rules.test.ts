import { runTests } from '../support/run-tests.js';

await runTests(['registry', 'doctor', 'probe', 'runtime', 'store']);
