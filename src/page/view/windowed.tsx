import type { ComponentChildren, TargetedKeyboardEvent } from 'preact';
import { useCallback, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** Up to so many rows all are drawn, each as high as it likes. */
const FEW = 40;

/** Rows drawn beyond those in sight, on each side. */
const SPARE = 8;

interface WindowedProps<T> {
  readonly items: readonly T[];
  readonly itemKey: (item: T) => string;
  /** Of every row when there are many, in pixels. */
  readonly rowHeight: number;
  /** One row; `isFixed` when it must do with the height. */
  readonly row: (item: T, index: number, isFixed: boolean) => ComponentChildren;
  readonly label: string;
  readonly role: 'list' | 'rowgroup';
  readonly class?: string;
}

/** A list that scrolls in its own box, and of which only what is in sight is drawn. */
export function Windowed<T>({ items, itemKey, rowHeight, row, label, role, ...rest }: WindowedProps<T>) {
  const box = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState({ from: 0, to: FEW });
  const isFixed = items.length > FEW;

  const look = useCallback(() => {
    const element = box.current;
    if (!element) return;
    const from = Math.max(0, Math.floor(element.scrollTop / rowHeight) - SPARE);
    const to = Math.ceil((element.scrollTop + element.clientHeight) / rowHeight) + SPARE;
    setRange((range) => (range.from === from && range.to === to ? range : { from, to }));
  }, [rowHeight]);

  useLayoutEffect(look, [look, items.length]);
  useLayoutEffect(() => {
    if (!box.current) return;
    const observer = new ResizeObserver(look);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [look]);

  const shown = isFixed ? items.slice(range.from, range.to) : items;
  const first = isFixed ? range.from : 0;
  const rows = shown.map((item, i) => (
    <Row key={itemKey(item)} index={first + i} height={isFixed ? rowHeight : undefined}>
      {row(item, first + i, isFixed)}
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
      onKeyDown={(event) => moveFocus(event, items.length, rowHeight)}
    >
      {isFixed ? (
        <div role="presentation" class="windowed-all" style={{ height: `${items.length * rowHeight}px` }}>
          <div role="presentation" style={{ transform: `translateY(${first * rowHeight}px)` }}>
            {rows}
          </div>
        </div>
      ) : (
        rows
      )}
    </div>
  );
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

/** From row to row by keys, where rows have something to focus. */
function moveFocus(event: TargetedKeyboardEvent<HTMLDivElement>, count: number, rowHeight: number): void {
  const step = STEPS[event.key];
  const box = event.currentTarget;
  const row = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-row]') : null;
  if (step === undefined || !row || event.altKey || event.ctrlKey || event.metaKey) return;
  const index = Math.min(count - 1, Math.max(0, Number(row.dataset.row) + step));
  event.preventDefault();
  if (!focusRow(box, index)) {
    box.scrollTop = index * rowHeight;
    requestAnimationFrame(() => requestAnimationFrame(() => focusRow(box, index)));
  }
}

/** Focuses the first thing in a row that can be; false when the row is not drawn. */
export function focusRow(box: Element, index: number): boolean {
  const row = box.querySelector(`[data-row="${index}"]`);
  row?.querySelector<HTMLElement>('a, button')?.focus();
  return row !== null;
}
