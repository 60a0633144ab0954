import { Changes, type Change } from './changes.js';
import { describeCluster, describePicture, describeUnknown } from './members-view.js';
import { lineWidth, print } from './output.js';
import { Screen } from './screen.js';
import type { Display } from './watch.js';
import type { Picture } from './cluster-cache.js';

/** The display that suits standard output. */
export function displayFor(asJson: boolean): Display {
  if (asJson) return appended(({ name, view }) => JSON.stringify(view ?? unknown(name)));
  if (Screen.isPossible) return redrawn();
  return appended(({ name, view }, at) => {
    const lines = view ? describeCluster(view, lineWidth()) : [describeUnknown(name)];
    return [`# ${at.toISOString()}`, ...lines, ''].join('\n');
  });
}

/** The `--json` output for a cluster that does not exist, not yet or no longer. */
function unknown(name: string): object {
  const [product, cluster] = name.split('/');
  return { product, cluster, state: 'unknown' };
}

/** Prints each change below the one before. */
function appended(text: (change: Change, at: Date) => string): Display {
  const changes = new Changes();
  return {
    isScreen: false,
    async show(picture) {
      for (const change of changes.since(picture)) await print(text(change, picture.at));
    },
    close: () => undefined,
  };
}

/** Redraws the terminal with the current state. */
function redrawn(): Display {
  let shown: Picture | undefined;
  const screen = new Screen((width) => (shown ? describePicture(shown, width) : []));
  return {
    isScreen: true,
    show(picture) {
      shown = picture;
      screen.draw();
    },
    close: () => screen.close(),
  };
}
