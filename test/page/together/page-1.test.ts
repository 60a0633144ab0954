import { runTests } from '../../support/run-tests.js';

await runTests(['page'], { i: 0, of: 2 });
