/**
 * Deliveries of a sender that knows the secret: `deliveries.ts` has checked each and stored it as a row. The row is deleted in the commit that makes
 * the item a plan, and the item's row refuses the same delivery for ever.
 */
import { planNameOf } from '../../../../machines/vocabulary/ids.ts';
import type { IntakeOf } from '../../../base/config/config.ts';
import { type Delivered, readDelivered } from '../deliveries.ts';
import { readDocumentText } from '../read-document.ts';
import { type Found, lookLimit, type Source, type SourceParts, type Work } from '../source.ts';
import { readTemplate, type Template } from '../template.ts';

export function createWebhookSource(config: IntakeOf<'webhook'>, parts: SourceParts): Source {
  const { name } = config;

  async function look(): Promise<readonly Found[]> {
    const template = config.template === undefined ? null : await readTemplate(config.template, parts.projects);
    const items: Found[] = [];
    // Deliveries that cannot become plans stay in the store, and must not hide later ones.
    const others: Found[] = [];
    for (let after = 0; items.length < lookLimit; ) {
      const rows = await parts.store.intakeDeliveries({ intake: name, after, limit: lookLimit - items.length });
      for (const row of rows) {
        const found = foundIn(row, template);
        if (found.kind === 'item') items.push(found);
        else if (others.length < lookLimit) others.push(found);
      }
      const last = rows.at(-1);
      if (last === undefined) break;
      after = last.id;
    }
    return [...items, ...others];
  }

  function foundIn({ item, content }: { item: string; content: string }, template: Template | null): Found {
    const read = readDelivered(content);
    if (read === null) return { kind: 'left', title: item, reason: 'its row in the store is damaged' };
    const { title } = read;
    const made = workOf(read, template);
    if ('reason' in made) return { kind: 'left', title, reason: made.reason };
    return {
      kind: 'item',
      title,
      plan: made.plan,
      work: async () => made.work,
      claim: async () => ({
        ...{ item, work: made.work, with: [{ do: 'intake.delivered', intake: name, item }] },
        async taken() {},
      }),
    };
  }

  function workOf(
    { title, body, url = '', author = name, labels = [] }: Delivered,
    template: Template | null,
  ): { work: Work; plan: string } | { reason: string } {
    const plan = planNameOf(`${name}-${title.replaceAll('/', ' ')}`.slice(0, 60)) ?? name;
    if (template !== null) {
      const made = template.fill({ title, body, url, author, labels, comments: [] });
      return 'reason' in made ? made : { work: { kind: 'document', ...made }, plan };
    }
    if (config.work === 'session') {
      const material = {
        number: 0,
        author,
        state: 'open',
        url,
        commentsTrouble: null,
        comments: [],
      } as const;
      return { work: { kind: 'message', message: config.message, issue: { ...material, title, body } }, plan };
    }
    const read = readDocumentText(body, `${title}.md`);
    return 'reason' in read ? read : { work: { kind: 'document', content: read.reading.content }, plan };
  }

  return { look };
}
