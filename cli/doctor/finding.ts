/** The result of a check; with a hint where there is a problem. */
export type Finding = { detail: string } | { detail: string; hint: string };
