import { boundedText, TooLarge } from '../util/bounded-text.js';
import { httpRequest, requestFailure, type HttpAnswer } from '../util/http-request.js';
import { ClientError } from './client-error.js';
import { toPrintable, readPlainJson } from './plain.js';
import type { GivenToken } from './token.js';

/** How long an answer may take, in addition to the requested wait. */
const TIMEOUT_MS = 10_000;

/** The largest answer in bytes: a thousand members with the longest names take a megabyte. */
const LARGEST_ANSWER = 16 << 20;

export type Method = 'GET' | 'POST' | 'DELETE';

/** An answer whose text is {@link toPrintable}. */
export interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

/** An answer without an end. */
export interface OpenAnswer {
  readonly body: HttpAnswer['body'];
  /** Ends the stream; its reader gets the reason as an error. */
  readonly abort: (reason: ClientError) => void;
}

/** Errors that prove that a request never left this machine. */
const NOT_CONNECTED = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH/;

interface Hints {
  readonly server: string;
  readonly token: string;
}

/**
 * Sends requests to one server. All methods reject with {@link ClientError}, which never contains the token.
 */
export class Client {
  readonly #url: URL;
  readonly #token: GivenToken | undefined;
  readonly #hints: Hints;
  /** The server's name in sentences. */
  readonly name: string;

  /**
   * `url` has a path that ends in a slash. `hints` are appended to sentences about a wrong server or token.
   */
  constructor(url: URL, token: GivenToken | undefined, hints: Hints = { server: '', token: '' }) {
    this.#url = url;
    this.#token = token;
    this.#hints = hints;
    this.name = url.href.slice(0, -1);
  }

  /** GETs JSON. `wait`: how much longer than usual the server may take, in milliseconds. */
  async getJson<T>(path: string, wait = 0): Promise<T> {
    return (await this.ask<T>('GET', path, wait)).body;
  }

  /**
   * Sends a request. `wait`: for how long the server was asked to hold the answer, or may take in addition,
   * in milliseconds. `path` starts with a slash.
   */
  async ask<T>(method: Method, path: string, wait = 0): Promise<Answer<T>> {
    try {
      const response = await this.#ask(method, path, AbortSignal.timeout(TIMEOUT_MS + wait));
      return {
        status: response.status,
        body: readAnswer(await boundedText(response, LARGEST_ANSWER), this.name) as T,
      };
    } catch (error) {
      throw this.#unreachable(error, method !== 'GET');
    }
  }

  /** POSTs a form and returns the text of the answer. */
  async postForm(path: string, fields: Readonly<Record<string, string>>): Promise<string> {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await this.#ask('POST', path, signal, undefined, new URLSearchParams(fields));
      return toPrintable(await boundedText(response, LARGEST_ANSWER));
    } catch (error) {
      throw this.#unreachable(error, true);
    }
  }

  /** Opens a stream of server-sent events. */
  async open(path: string, headers: Record<string, string>): Promise<OpenAnswer> {
    const controller = new AbortController();
    const limit = setTimeout(
      () => controller.abort(new Error(`no answer for ${TIMEOUT_MS / 1_000} s`)),
      TIMEOUT_MS,
    );
    try {
      const accept = { accept: 'text/event-stream', ...headers };
      const response = await this.#ask('GET', path, controller.signal, accept);
      const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
      if (!isStream) throw notOurs(this.name);
      return { body: response.body, abort: (reason) => controller.abort(reason) };
    } catch (error) {
      controller.abort();
      throw this.#unreachable(error);
    } finally {
      clearTimeout(limit);
    }
  }

  async #ask(
    method: Method,
    path: string,
    signal: AbortSignal,
    headers: Record<string, string> = { accept: 'application/json' },
    fields?: URLSearchParams,
  ): Promise<HttpAnswer> {
    const authorization = this.#token && { authorization: `Bearer ${this.#token.text}` };
    const form = fields && { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' };
    const response = await httpRequest(new URL(`.${path}`, this.#url), {
      method,
      headers: { ...headers, ...form, ...authorization },
      signal,
      ...(fields === undefined ? {} : { body: fields.toString() }),
    });
    if (response.status < 200 || response.status > 299)
      throw this.#refusal(response, await boundedText(response, LARGEST_ANSWER));
    return response;
  }

  #refusal({ status, statusText, headers }: HttpAnswer, text: string): ClientError {
    const location = headers.get('location');
    if (status >= 300 && status < 400 && location !== undefined) {
      const to = URL.canParse(location, this.name) ? new URL(location, this.name).origin : 'elsewhere';
      return new ClientError(`${this.name} sends its callers to ${to}; give that as --server`, status);
    }
    const detail = this.#withoutToken(detailOf(text) || toPrintable(statusText) || 'nothing more');
    // A server without tokens explains that itself, and what to do.
    if ((status !== 401 && status !== 403) || /\bAUTH_TOKEN\b/.test(detail))
      return new ClientError(`${this.name} answers ${status}: ${detail}`, status);
    const advice = this.#token
      ? `${this.#token.source} holds the token that was sent; ask the server’s operator for another`
      : `give one in the variable ADDRESS_SERVER_TOKEN, or with --token${this.#hints.token}`;
    return new ClientError(`${this.name} answers ${status}: ${detail} (${advice})`, status);
  }

  /** Removes the token: a server or a proxy in front of it might echo it. */
  #withoutToken(text: string): string {
    return this.#token ? text.replaceAll(this.#token.text, '…') : text;
  }

  /** `isChange`: the request may have taken effect, unless no connection was made at all. */
  #unreachable(error: unknown, isChange = false): ClientError {
    if (error instanceof ClientError) return error;
    if (error instanceof TooLarge) {
      const unknown = isChange ? '. It is not known whether the request took effect' : '';
      return new ClientError(
        `${this.name} answers without end: its answer is ${error.message}; is --server right?${unknown}`,
      );
    }
    const reason = toPrintable(requestFailure(error));
    if (isChange && !NOT_CONNECTED.test(reason)) {
      return new ClientError(
        `${this.name} did not answer (${reason}); it is not known whether the request took effect: check with members or events before you repeat it`,
      );
    }
    return new ClientError(
      `${this.name} does not answer (${reason}); is the server running, and is --server right?${this.#hints.server}`,
    );
  }
}

function readAnswer(text: string, name: string): unknown {
  try {
    return readPlainJson(text);
  } catch {
    throw notOurs(name);
  }
}

function notOurs(name: string): ClientError {
  return new ClientError(`${name} answers, but is not an address server of this kind; is --server right?`);
}

/** The error in problem details (RFC 9457), or in any other text. */
function detailOf(text: string): string {
  try {
    const { detail } = readPlainJson(text) as { detail?: unknown };
    if (typeof detail === 'string') return detail;
  } catch {
    // Not JSON.
  }
  return toPrintable(text.trim().slice(0, 200));
}
