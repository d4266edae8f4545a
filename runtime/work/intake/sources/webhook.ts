/**
 * Deliveries of a sender that knows the secret: `deliveries.ts` has checked and kept each as a file. The file goes when the item's row is stored, and the row
 * refuses the same delivery for all time.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import { planNameOf } from '../../../../machines/vocabulary/ids.ts';
import type { IntakeOf } from '../../../base/config/config.ts';
import { systemCode } from '../../../base/platform/system-code.ts';
import { type Delivered, deliveryFolder, readDelivered, secretChars } from '../deliveries.ts';
import { readDocumentText } from '../read-document.ts';
import { readSecret } from '../secret.ts';
import { notStandard, standardKey } from '../signatures.ts';
import { type Found, lookLimit, type Source, type SourceParts, type Work } from '../source.ts';
import { readTemplate, type Template } from '../template.ts';

const fileName = /^(webhook-[0-9a-f]{64})\.json$/;

export function createWebhookSource(config: IntakeOf<'webhook'>, parts: SourceParts): Source {
  const { name } = config;
  const folder = deliveryFolder(parts.home, name);

  async function look(): Promise<readonly Found[]> {
    // Without it nothing can come, which is said before a sender notices.
    const { secret: variable, env_file: envFile } = config;
    const secret = await readSecret({ name, key: 'secret', variable, envFile, minChars: secretChars }, parts);
    if (standardKey(secret) === null)
      throw new EngineError(
        'bad_config',
        `[intake.${name}] secret: ${notStandard}`,
        'make one: printf "whsec_%s" "$(openssl rand -base64 32)"',
      );
    const template = config.template === undefined ? null : await readTemplate(config.template, parts.projects);
    const names = await readdir(folder).catch((thrown: unknown) => {
      if (systemCode(thrown) === 'ENOENT') return [];
      throw thrown;
    });
    const found: { readonly atMs: number; readonly found: Found }[] = [];
    for (const each of names) {
      const item = fileName.exec(each)?.[1];
      const seen = item === undefined ? null : await stat(join(folder, each)).catch(() => null); // another look took it
      if (item !== undefined && seen !== null)
        found.push({ atMs: seen.mtimeMs, found: foundAt({ file: join(folder, each), item, template }) });
    }
    return found
      .sort((a, b) => a.atMs - b.atMs)
      .slice(0, lookLimit)
      .map(({ found: one }) => one);
  }

  function foundAt({ file, item, template }: { file: string; item: string; template: Template | null }): Found {
    const read = readDelivered(file);
    if (read === null) return { kind: 'left', title: item, reason: 'its file is damaged or gone' };
    const { title } = read;
    const made = workOf(read, template);
    if ('reason' in made) return { kind: 'left', title, reason: made.reason };
    return {
      kind: 'item',
      title,
      plan: made.plan,
      work: async () => made.work,
      claim: async () => ({
        ...{ item, work: made.work, with: [] },
        taken: () => rm(file, { force: true }),
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
