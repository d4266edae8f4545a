/** The links to issues of a tracker in a document's head: `**Issue:** https://tracker.example/SHOP-12`. They are kept and shown, and nothing is asked of that tracker. */
import { quoted, type ReportProblem } from './shape.ts';

/** A line of a list shows them all. */
const linkLimit = 10;
const linkLengthLimit = 500;
const form = 'write the address of the issue, as in **Issue:** https://tracker.example/SHOP-12';

/** What keeps that text from being a link; null: nothing. */
export function issueLinkProblem(written: string): string | null {
  const shown = quoted(written);
  if (written.length > linkLengthLimit) return `${shown} has more than ${linkLengthLimit} characters; shorten it`;
  const url = URL.canParse(written) ? new URL(written) : null;
  if (url === null || /[\s,<>"'`\\]/.test(written) || !/^https?:$/.test(url.protocol))
    return `${shown} is no link to an issue; ${form}`;
  if (url.username !== '' || url.password !== '') return `${shown} holds a name or a password; leave that out`;
  return null;
}

/** The links of one value, with commas between them; those that are none are reported. */
export function readIssueLinks(value: string, line: number, report: ReportProblem): string[] {
  const links = new Set<string>();
  for (const item of value.split(/[,\s]+/)) {
    const written = item.replace(/^<(.*)>$/, '$1');
    if (written === '') continue;
    const problem = issueLinkProblem(written);
    if (problem === null) links.add(written);
    else report(line, problem);
  }
  if (links.size > linkLimit) report(line, `there are more than ${linkLimit} links to issues; keep the main ones`);
  return [...links];
}

/** The text with these links in its head, beneath its title. */
export function withIssueLinks(content: string, links: readonly string[]): string {
  const head = `**Issue:** ${links.join(', ')}`;
  const [, title = '', rest = ''] = /^(\s*# [^\n]*\n?)?(.*)$/s.exec(content) ?? [];
  return title === ''
    ? `${head}\n\n${rest}`
    : `${title.trimEnd()}\n\n${head}\n${rest.startsWith('\n') ? '' : '\n'}${rest}`;
}
