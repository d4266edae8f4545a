/** The system's code of a failure, such as `ENOENT`. Empty for other failures. */
export function systemCode(thrown: unknown): string {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown ? String(thrown.code) : '';
}

/** For a `catch`: `nothing` where the file or folder does not exist (`ENOENT`, or another of these codes). Any other failure is thrown on. */
export function ifMissing<Nothing>(nothing: Nothing, ...also: readonly string[]): (thrown: unknown) => Nothing {
  return (thrown) => {
    if (['ENOENT', ...also].includes(systemCode(thrown))) return nothing;
    throw thrown;
  };
}
