/** An unusable setting: a sentence that names it and its value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * A setting that may become usable by itself at a later try: a port still in use, a name server that does not
 * answer.
 */
export class PassingProblem extends ConfigError {}
