import { runTests } from '../support/run-tests.js';

await runTests(['http'], { i: 0, of: 2 });
