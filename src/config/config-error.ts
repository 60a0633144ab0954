/** A setting that cannot be used: a sentence that names it and its value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** One that another try may find good without anybody's doing: a port that is still in use, a name server that is away. */
export class PassingProblem extends ConfigError {}
