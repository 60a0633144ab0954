import { useLayoutEffect, useReducer, useRef } from 'preact/hooks';

/** Holds a state, and notifies subscribers of changes at most once an animation frame. */
export class Store<S extends object> {
  #state: S;
  readonly #listeners = new Set<() => void>();
  #isDue = false;

  constructor(state: S) {
    this.#state = state;
  }

  get state(): S {
    return this.#state;
  }

  update(patch: Partial<S>): void {
    this.#state = { ...this.#state, ...patch };
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      for (const listener of this.#listeners) listener();
    });
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Selects a part of a store's state, and renders the component again when that part changes. */
export function useStore<S extends object, T>(store: Store<S>, select: (state: S) => T): T {
  const [, redraw] = useReducer<number, undefined>((count) => count + 1, 0);
  const value = select(store.state);
  const drawn = useRef({ select, value });
  drawn.current = { select, value };
  useLayoutEffect(
    () =>
      store.subscribe(() => {
        if (!Object.is(drawn.current.select(store.state), drawn.current.value)) redraw(undefined);
      }),
    [store],
  );
  return value;
}
