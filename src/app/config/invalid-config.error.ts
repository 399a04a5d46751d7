/** Everything that is wrong with the environment, by name. It leaves out the values, which may be secrets. */
export class InvalidConfigError extends Error {
  constructor(readonly problems: string[]) {
    super(`Invalid configuration: ${problems.join('; ')}`);
  }
}
