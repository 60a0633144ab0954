import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventView as SentEvent, ServerView as SentServer } from '../../src/http/api/schemas.js';
import type { EventView, ServerView } from '../../src/page/model/types.js';

/** Without `readonly`, so that two types can be compared. */
type Plain<T> = { -readonly [K in keyof T]: T[K] };
type Same<A, B> = [Plain<A>, Plain<B>] extends [Plain<B>, Plain<A>] ? true : never;

test('the page reads what the API sends: a difference does not compile', () => {
  const event: Same<EventView, SentEvent> = true;
  const server: Same<ServerView, SentServer> = true;
  assert.ok(event && server);
});
