import type { Request, Response } from 'express';
import type { z } from 'zod';
import type { Examiner } from '../../doctor/examiner.js';
import type { Feed } from '../../runtime/feed.js';
import type { RegistryService } from '../../runtime/registry-service.js';
import type { Access } from '../access/access.js';
import type { HeldRequests } from '../transport/held-requests.js';
import type { Problem } from '../reply.js';

export type Method = 'get' | 'head' | 'post' | 'delete';

/** The groups of the document, in order. */
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

/** An example request, which a test executes. */
export interface Example {
  /** One word: the example's name in the document. */
  readonly name: string;
  readonly summary: string;
  /** Path parameters, by name. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  /** The expected status. */
  readonly status: number;
}

/** A successful answer. */
export interface ResponseSpec {
  readonly description: string;
  /** The media type; `application/json` by default. */
  readonly type?: string;
  /** The schema: for JSON the body's, and for text that of one message or of the whole. */
  readonly schema: z.ZodType;
  /** Other media types of the answer. */
  readonly or?: Readonly<Record<string, z.ZodType>>;
}

/** The document's description of one method of one path. */
export interface Described {
  readonly method: Method;
  /** As OpenAPI writes it, `/api/v1/clusters/{product}/{cluster}`. */
  readonly path: string;
  /** Unique, for generators of clients. */
  readonly name: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly description: string;
  /**
   * The permission that it needs: to `read` about the cluster in the path; to read about `all`; to read about
   * `any`, where the answer is cut to what the caller may read; to `change` that cluster; or `none`.
   */
  readonly access: 'none' | 'any' | 'all' | 'read' | 'change';
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly responses: Readonly<Record<number, ResponseSpec>>;
  /** Refusals by status, in addition to those that all routes share. */
  readonly problems?: Readonly<Record<number, string>>;
  readonly examples: readonly [Example, ...Example[]];
  /** False for requests of Nacos and its programs, whose errors are texts. Default true. */
  readonly isOperators?: boolean;
  /** The document's security, if it does not follow from the access. */
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
}

/** The services that routes use. */
export interface ApiContext {
  readonly service: RegistryService;
  readonly examiner: Examiner;
  readonly feed: Feed;
  readonly access: Access;
  readonly heldRequests: HeldRequests;
}

/** A request that was parsed, is valid, and is permitted. */
export interface Call<P, Q> {
  readonly params: P;
  readonly query: Q;
  readonly request: Request;
  readonly response: Response;
}

/** A handler's answer: the status and a body of its schema; a problem; or `taken`, if it answers itself. */
export type Answer<R extends Described['responses']> =
  | { [S in keyof R]: { readonly status: S; readonly body: BodyOf<R[S]> } }[keyof R]
  | { readonly problem: Problem }
  | 'taken';

type BodyOf<R> = R extends { readonly schema: infer S extends z.ZodType } ? Frozen<z.output<S>> : never;
type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** A route: its description and its handler. */
export interface Route extends Described {
  /**
   * Whether callers that identify as a Nacos node also get full answers. On the operators' side the default
   * is no.
   */
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

/** Type-checks a handler against the schemas beside it. */
export function route<P extends z.ZodObject, Q extends z.ZodObject, const R extends Described['responses']>(
  typed: Typed<P, Q, R>,
): Route {
  // The router passes what the schemas parsed.
  return typed as unknown as Route;
}

export function problem(status: number, detail: string): { readonly problem: Problem } {
  return { problem: { status, detail } };
}
