import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import { SettingProblem } from '../../config/setting-problem.js';
import type { TokenSettings } from './settings.js';
import { parseTokens, TokenSet, type Token } from './token.js';

/** How often a token file is checked. */
const CHECK_INTERVAL_MS = 2_000;

/**
 * The tokens of a setting and of its file, which is read repeatedly. To rotate a token, write the new one
 * beside the old one, distribute it, and remove the old one. A file that cannot be read, is empty or has an
 * error changes nothing: a mistake must neither open the server nor lock all callers out.
 */
export class TokenSource {
  readonly #given: readonly Token[];
  readonly #file: string | undefined;
  readonly #log: Logger;
  readonly #name: string;
  #text: string | undefined;
  #set: TokenSet;
  #generation = 0;
  #timer: NodeJS.Timeout | undefined;
  #saidProblem: string | undefined;

  /** `name`: the file's setting, for error sentences. Throws {@link SettingProblem}. */
  constructor({ tokens, file }: TokenSettings, name: string, log: Logger, lookEvery = CHECK_INTERVAL_MS) {
    this.#given = tokens;
    this.#file = file;
    this.#name = name;
    this.#log = log;
    try {
      this.#text = file === undefined ? undefined : readNow(file);
      this.#set = new TokenSet([...tokens, ...tokensOf(this.#text)]);
    } catch (error) {
      if (!(error instanceof SettingProblem)) throw error;
      throw new SettingProblem(`${name}=${JSON.stringify(file)} ${error.message}`);
    }
    if (file !== undefined) this.#timer = setInterval(() => void this.look(), lookEvery).unref();
  }

  /** Rises when the valid tokens change, after which earlier verdicts may be wrong. */
  get generation(): number {
    return this.#generation;
  }

  get tokens(): TokenSet {
    return this.#set;
  }

  /** Reads the file again, if there is one. */
  async look(): Promise<void> {
    if (this.#file === undefined) return;
    try {
      const text = await readFile(this.#file, 'utf8').catch((error: unknown) => {
        throw unreadable(error);
      });
      if (text !== this.#text) {
        this.#set = new TokenSet([...this.#given, ...tokensOf(text)]);
        this.#text = text;
        this.#generation++;
        this.#log.info({ file: this.#file }, 'the tokens were read again');
      }
      this.#saidProblem = undefined;
    } catch (error) {
      if (!(error instanceof SettingProblem)) throw error;
      if (this.#saidProblem === error.message) return;
      this.#saidProblem = error.message;
      this.#log.error(
        { file: this.#file },
        `${this.#name} ${error.message}; the tokens that were read last stay valid`,
      );
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function readNow(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw unreadable(error);
  }
}

function unreadable(error: unknown): SettingProblem {
  return new SettingProblem(`cannot be read (${(error as Error).message})`);
}

/**
 * Reads one or more tokens a line; `#` starts a comment. Skips a byte order mark, which some editors write.
 */
function tokensOf(text: string | undefined): Token[] {
  if (text === undefined) return [];
  const tokens = parseTokens(text.replace(/^\uFEFF/, '').replace(/#.*$/gm, ''));
  if (tokens.length === 0) throw new SettingProblem('holds no token');
  return tokens;
}
