import { runTests } from '../../support/run-tests.js';

await runTests(['page'], { i: 1, of: 2 });
