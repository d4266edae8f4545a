/** The system's code of a failure, such as `ENOENT`. Empty for other failures. */
export function systemCode(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
}
