import type { ComponentChildren, TargetedKeyboardEvent } from 'preact';
import { useCallback, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';

/** Up to this many rows are all rendered, each at its natural height. */
const FEW = 40;

/** Rows rendered beyond the visible ones, on each side. */
const SPARE = 8;

interface WindowedProps<T> {
  readonly items: readonly T[];
  readonly itemKey: (item: T) => string;
  /** Height of a row in a long list, in pixels. */
  readonly rowHeight: (item: T) => number;
  readonly row: (item: T, index: number) => ComponentChildren;
  readonly label: string;
  readonly role: 'list' | 'rowgroup';
  readonly class?: string;
}

/** A list that scrolls in its own box and renders only the visible rows. */
export function Windowed<T>({ items, itemKey, rowHeight, row, label, role, ...rest }: WindowedProps<T>) {
  const box = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState({ top: 0, height: 1_000 });
  const isFixed = items.length > FEW;
  const tops = useMemo(() => (isFixed ? topsOf(items, rowHeight) : undefined), [items, rowHeight, isFixed]);

  const look = useCallback(() => {
    const { scrollTop: top = 0, clientHeight: height = 0 } = box.current ?? {};
    setSight((before) => (before.top === top && before.height === height ? before : { top, height }));
  }, []);
  useLayoutEffect(look, [look, items.length]);
  useLayoutEffect(() => {
    if (!box.current) return;
    const observer = new ResizeObserver(look);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [look]);

  const from = tops ? Math.max(0, indexAt(tops, sight.top) - SPARE) : 0;
  const to = tops ? indexAt(tops, sight.top + sight.height) + 1 + SPARE : items.length;
  const rows = items.slice(from, to).map((item, i) => (
    <Row key={itemKey(item)} index={from + i} height={tops ? rowHeight(item) : undefined}>
      {row(item, from + i)}
    </Row>
  ));
  return (
    <div
      ref={box}
      class={`windowed ${rest.class ?? ''}`}
      role={role}
      aria-label={label}
      tabIndex={0}
      onScroll={isFixed ? look : undefined}
      onKeyDown={(event) => moveFocus(event, items.length, tops)}
    >
      {tops ? (
        <div role="presentation" class="windowed-all" style={{ height: `${tops[items.length] ?? 0}px` }}>
          <div role="presentation" style={{ transform: `translateY(${tops[from] ?? 0}px)` }}>
            {rows}
          </div>
        </div>
      ) : (
        rows
      )}
    </div>
  );
}

/** The top of each row, and the bottom of the last. */
function topsOf<T>(items: readonly T[], rowHeight: (item: T) => number): Float64Array {
  const tops = new Float64Array(items.length + 1);
  items.forEach((item, i) => (tops[i + 1] = (tops[i] ?? 0) + rowHeight(item)));
  return tops;
}

/** The last row whose top is at or above a height. */
function indexAt(tops: Float64Array, height: number): number {
  let low = 0;
  let high = tops.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((tops[middle] ?? 0) <= height) low = middle;
    else high = middle - 1;
  }
  return low;
}

function Row({
  index,
  height,
  children,
}: {
  index: number;
  height: number | undefined;
  children: ComponentChildren;
}) {
  return (
    <div
      role="presentation"
      data-row={index}
      class={height === undefined ? 'row-box' : 'row-box fixed'}
      style={height === undefined ? undefined : { height: `${height}px` }}
    >
      {children}
    </div>
  );
}

const STEPS: Record<string, number> = {
  ArrowDown: 1,
  ArrowUp: -1,
  PageDown: 8,
  PageUp: -8,
  Home: -1e6,
  End: 1e6,
};

/** Moves the focus between rows with the arrow keys, if rows have something to focus. */
function moveFocus(
  event: TargetedKeyboardEvent<HTMLDivElement>,
  count: number,
  tops: Float64Array | undefined,
): void {
  const step = STEPS[event.key];
  const box = event.currentTarget;
  const row = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-row]') : null;
  if (step === undefined || !row || event.altKey || event.ctrlKey || event.metaKey) return;
  const index = Math.min(count - 1, Math.max(0, Number(row.dataset.row) + step));
  event.preventDefault();
  if (!focusRow(box, index)) {
    box.scrollTop = tops?.[index] ?? 0;
    requestAnimationFrame(() => requestAnimationFrame(() => focusRow(box, index)));
  }
}

/** Focuses the first focusable element in a row; false if the row is not rendered. */
export function focusRow(box: Element, index: number): boolean {
  const row = box.querySelector(`[data-row="${index}"]`);
  row?.querySelector<HTMLElement>('a, button')?.focus();
  return row !== null;
}
