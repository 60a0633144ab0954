import type { Request, Response } from 'express';
import type { z } from 'zod';
import type { Examiner } from '../../doctor/examiner.js';
import type { Feed } from '../../runtime/feed.js';
import type { RegistryService } from '../../runtime/registry-service.js';
import type { Access } from '../access/access.js';
import type { HeldRequests } from '../transport/held-requests.js';
import type { Problem } from '../reply.js';

export type Method = 'get' | 'head' | 'post' | 'delete';

/** Groups of the document, in its order. */
export const TAGS = {
  Clusters: 'Lists, their members and waiting addresses, as JSON.',
  Health: 'What the Nacos nodes themselves believe, and its repair.',
  Events: 'The history, and a stream of everything.',
  Server: 'The server that answers.',
  Nacos: 'Requests of Nacos nodes, their scripts and SDK clients.',
  Official: 'The API of the official address server.',
  Description: 'This description.',
} as const;
export type Tag = keyof typeof TAGS;

/** One way to ask, which a test executes. */
export interface Example {
  /** One word, the example's name in the document. */
  readonly name: string;
  readonly summary: string;
  /** What is put into the path, by the parameter's name. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  /** What is answered to it. */
  readonly status: number;
}

/** What is answered with a status that is no problem. */
export interface ResponseSpec {
  readonly description: string;
  /** The media type; `application/json` by default. */
  readonly type?: string;
  /** Of JSON, and of text what a single message or the whole is. */
  readonly schema: z.ZodType;
  /** Other media types in which it may come. */
  readonly or?: Readonly<Record<string, z.ZodType>>;
}

/** What the document says of one method of one path. */
export interface Described {
  readonly method: Method;
  /** As OpenAPI writes it, `/api/v1/clusters/{product}/{cluster}`. */
  readonly path: string;
  /** Unique, for those who generate clients. */
  readonly name: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly description: string;
  /**
   * Which permission it takes: to `read` about the cluster that the path names; to read about `all`; or about `any`,
   * where the answer is cut to what the caller may read; to `change` that cluster; `none`.
   */
  readonly access: 'none' | 'any' | 'all' | 'read' | 'change';
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly responses: Readonly<Record<number, ResponseSpec>>;
  /** When it is refused, by the status; what every route has in common is added. */
  readonly problems?: Readonly<Record<number, string>>;
  readonly examples: readonly [Example, ...Example[]];
  /** False for what Nacos and its programs ask, whose errors are texts. Default true. */
  readonly isOperators?: boolean;
  /** What the document says of tokens, if not what follows from the access. */
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
}

/** What routes work with. */
export interface ApiContext {
  readonly service: RegistryService;
  readonly examiner: Examiner;
  readonly feed: Feed;
  readonly access: Access;
  readonly heldRequests: HeldRequests;
}

/** A request that was read, is right, and may ask this. */
export interface Call<P, Q> {
  readonly params: P;
  readonly query: Q;
  readonly request: Request;
  readonly response: Response;
}

/** What a handler answers with: the status, and a body of its schema; a problem; or itself, with `taken`. */
export type Answer<R extends Described['responses']> =
  | { [S in keyof R]: { readonly status: S; readonly body: BodyOf<R[S]> } }[keyof R]
  | { readonly problem: Problem }
  | 'taken';

type BodyOf<R> = R extends { readonly schema: infer S extends z.ZodType } ? Frozen<z.output<S>> : never;
type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** A route: what it is and what it does. */
export interface Route extends Described {
  /** Answered in full also to what calls itself a Nacos node. Others of the operators' side are not. */
  readonly isForAll?: boolean;
  handle(context: ApiContext, call: Call<unknown, unknown>): Promise<AnyAnswer> | AnyAnswer;
}
export type AnyAnswer =
  { readonly status: number; readonly body: unknown } | { readonly problem: Problem } | 'taken';

interface Typed<P extends z.ZodObject, Q extends z.ZodObject, R extends Described['responses']> extends Omit<
  Route,
  'handle'
> {
  readonly params?: P;
  readonly query?: Q;
  readonly responses: R;
  handle(
    context: ApiContext,
    call: Call<z.output<P>, z.output<Q>>,
  ): Promise<Answer<NoInfer<R>>> | Answer<NoInfer<R>>;
}

/** Holds a handler to the schemas beside it. */
export function route<P extends z.ZodObject, Q extends z.ZodObject, const R extends Described['responses']>(
  typed: Typed<P, Q, R>,
): Route {
  // The router gives it what the schemas read.
  return typed as unknown as Route;
}

export function problem(status: number, detail: string): { readonly problem: Problem } {
  return { problem: { status, detail } };
}
