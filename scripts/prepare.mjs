// npm's `prepare`: builds what the package is made of, by the development dependencies. They are missing where npm makes
// a link to a fresh checkout (`npm install --global`) or packs one: it would fail, and leave a link to nothing. So they are
// brought first. Where they were left out on purpose (--omit=dev) what was built before stays as it is.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const { npm_command: command, npm_config_global: isGlobal } = process.env;
const DEAD_LINK =
  'What builds the command could not be installed, so the link that npm made leads nowhere: say npm uninstall --global nacos-address-server, and try again when npm ci works here';
const COMMAND = 'dist/src/cli.js';

function run(args, env = process.env) {
  const { status, error } = spawnSync('npm', args, { stdio: 'inherit', env });
  if (error) console.error(`npm ${args.join(' ')} cannot be run: ${error.message}`);
  return status ?? 1;
}

/** Without what the npm that runs this script was told of another place. */
function ownEnvironment() {
  const foreign =
    /^npm_config_(global|prefix|location|local_prefix|global_prefix|omit|include|ignore_scripts)$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

function prepare() {
  if (existsSync('node_modules/typescript') && existsSync('node_modules/esbuild')) {
    return run(['run', '--silent', 'build:package']);
  }
  if (isGlobal === 'true' || !['install', 'ci'].includes(command)) {
    // Its own `prepare` comes back to the line above.
    const status = run(['ci', '--include=dev'], ownEnvironment());
    if (status !== 0 && isGlobal === 'true') console.error(DEAD_LINK);
    return status;
  }
  if (existsSync(COMMAND)) {
    console.error(`${COMMAND} is not built anew: the development dependencies are not installed`);
    return 0;
  }
  console.error(
    `${COMMAND} is not built, and the development dependencies that build it are not installed (--omit=dev?). Say npm install first; npm prune --omit=dev --ignore-scripts takes them away later`,
  );
  return 1;
}

process.exit(prepare());
