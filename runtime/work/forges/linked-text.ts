/** The part of a pull request's text that links the requests of the same change in other repositories. Pure. */
import type { Forge } from './forge.ts';

/** A pull request of the change. */
export interface Linked {
  /** The member of the plan's repo to which it belongs. */
  readonly folder: string;
  readonly forge: Pick<Forge, 'server' | 'repo'>;
  readonly number: number;
  readonly url: string;
}

const begin = '<!-- stator: linked requests -->';
const end = '<!-- /stator -->';

/** The links for the request of that member. `all`: the existing requests, in merge order. */
export function linkedText(
  { forge, member: { folder } }: { readonly forge: Linked['forge']; readonly member: { readonly folder: string } },
  all: readonly Linked[],
): string {
  const lines = all.map((one) => `- ${one.folder}: ${one.folder === folder ? 'this one' : linkTo(forge, one)}`);
  const own = all.some((one) => one.folder === folder) ? [] : [`- ${folder}: this one`];
  return [begin, 'One change over several repositories, merged in this order:', '', ...lines, ...own, end].join('\n');
}

/** A short link within the same forge, otherwise the address. */
function linkTo({ server }: Linked['forge'], { forge, number, url }: Linked): string {
  if (server.url !== forge.server.url) return url;
  const sign = server.kind === 'gitlab' ? '!' : '#';
  return `${forge.repo.owner}/${forge.repo.name}${sign}${number}`;
}

/** The body with these links in place of the earlier ones; unchanged if a person has removed them, or one of the two lines around them. */
export function withLinks(body: string, links: string): string {
  const from = body.indexOf(begin);
  const to = body.indexOf(end, from);
  const isWhole = from >= 0 && to >= 0 && body.lastIndexOf(begin, to) === from;
  return isWhole ? `${body.slice(0, from)}${links}${body.slice(to + end.length)}` : body;
}
