/** The environment variables of a process about a sandbox. */

type Variables = Readonly<Record<string, string | undefined>>;

/** The variable that turns `sandbox = "auto"` off for a whole engine, without a warning. */
export function isSandboxOff(env: Variables): boolean {
  return env.STATOR_SANDBOX === 'off';
}

/** Whether a process with this environment is one of a run inside of walls: there is no home there and no main folder of the repo, only the run's own socket. */
export function isInWalls(env: Variables): boolean {
  return env.STATOR_SANDBOX === 'bwrap' && env.STATOR_RUN !== undefined;
}
