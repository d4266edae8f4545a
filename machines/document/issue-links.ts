/**
 * The links to issues of a tracker in a document's head: `**Issue:** https://tracker.example/SHOP-12`. They are stored and shown; no request is sent to the
 * tracker.
 */
import type { Reports } from './fields.ts';
import { quoted } from './shape.ts';

/** A line of a list shows them all. */
const linkLimit = 10;
const linkLengthLimit = 500;
const form = 'write the address of the issue, as in **Issue:** https://tracker.example/SHOP-12';

/** Why that text is not a link; null: it is one. */
export function issueLinkProblem(written: string): string | null {
  const shown = quoted(written);
  if (written.length > linkLengthLimit) return `${shown} has more than ${linkLengthLimit} characters; shorten it`;
  const url = URL.canParse(written) ? new URL(written) : null;
  if (url === null || /[\s,<>"'`\\]/.test(written) || !/^https?:$/.test(url.protocol))
    return `${shown} is no link to an issue; ${form}`;
  if (url.username !== '' || url.password !== '') return `${shown} holds a name or a password; leave that out`;
  return null;
}

/** The links of one value, with commas between them; invalid ones are reported. Prose is text, with a remark. */
export function readIssueLinks(value: string, line: number, report: Reports): string[] {
  const links = new Set<string>();
  const others: { written: string; problem: string }[] = [];
  for (const written of issueItems(value)) {
    const problem = issueLinkProblem(written);
    if (problem === null) links.add(written);
    else others.push({ written, problem });
  }
  const isProse = others.length > (links.size > 0 ? 0 : 2) && !others.some(({ written }) => written.includes('://'));
  if (isProse) report.remark(line, `${quoted(others.map(({ written }) => written).join(' '))} is text; ${form}`);
  else for (const { problem } of others) report.problem(line, problem);
  if (links.size > linkLimit)
    report.problem(line, `there are more than ${linkLimit} links to issues; keep the main ones`);
  return [...links];
}

/** The words of a value. A link in markdown becomes its address, and an address in angle brackets its content. */
function issueItems(value: string): string[] {
  const addresses = value.includes('](')
    ? value.replace(/\[[^\][]{0,300}\]\(\s{0,9}<?([^\s()<>]{1,600})>?\s{0,9}\)/g, ' $1 ')
    : value;
  return addresses
    .split(/[,，、،\s]+/)
    .map((item) => item.replace(/^<(.*)>$/, '$1'))
    .filter((item) => item !== '');
}

/** The text with these links in its head, beneath its title. */
export function withIssueLinks(content: string, links: readonly string[]): string {
  const head = `**Issue:** ${links.join(', ')}`;
  const [, title = '', rest = ''] = /^(\s*# [^\n]*\n?)?(.*)$/s.exec(content) ?? [];
  return title === ''
    ? `${head}\n\n${rest}`
    : `${title.trimEnd()}\n\n${head}\n${rest.startsWith('\n') ? '' : '\n'}${rest}`;
}
