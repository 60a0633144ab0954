import { runTests } from '../support/run-tests.js';

await runTests(['http'], { i: 1, of: 2 });
