/** The Atlassian Document Format, in which Jira Cloud has texts, from and to Markdown: https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/ */
interface Node {
  readonly type: string;
  readonly text: string;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly marks: readonly Node[];
  readonly content: readonly Node[];
}

/** Deeper parts of a document are cut. */
const maxDepth = 50;

/** Empty for a value that is no document. An element of an unknown type gives the text inside of it. */
export function markdownOf(document: unknown): string {
  const node = nodeOf(document, 0);
  return node === null ? '' : blocks(node.content).trim();
}

/** A document with a paragraph for each part between empty lines. */
export function documentOf(text: string): Record<string, unknown> {
  const content = text.split('\n\n').map((paragraph) => ({
    type: 'paragraph',
    content: [{ type: 'text', text: paragraph }],
  }));
  return { type: 'doc', version: 1, content };
}

function nodeOf(value: unknown, depth: number): Node | null {
  if (typeof value !== 'object' || value === null || depth > maxDepth) return null;
  const { type, text, attrs, marks, content } = value as Record<string, unknown>; // an object with any values
  const nodes = (list: unknown) =>
    Array.isArray(list) ? list.flatMap((each: unknown) => nodeOf(each, depth + 1) ?? []) : [];
  return {
    type: typeof type === 'string' ? type : '',
    text: typeof text === 'string' ? text : '',
    attrs: typeof attrs === 'object' && attrs !== null ? { ...attrs } : {},
    ...{ marks: nodes(marks), content: nodes(content) },
  };
}

function blocks(nodes: readonly Node[]): string {
  return nodes.map(block).join('\n\n');
}

function block(node: Node): string {
  const { type, attrs, content } = node;
  switch (type) {
    case 'heading':
      return `${'#'.repeat(levelOf(attrs.level))} ${inline(content)}`;
    case 'codeBlock':
      return fenced(content.map(({ text }) => text).join(''), wordOf(attrs.language));
    case 'bulletList':
    case 'taskList':
      return content.map((item) => listItem(item, item.type === 'taskItem' ? checkbox(item) : '- ')).join('\n');
    case 'orderedList':
      return content.map((item, index) => listItem(item, `${index + 1}. `)).join('\n');
    case 'blockquote':
      return indented(blocks(content), '> ', '> ');
    case 'rule':
      return '---';
    case 'table':
      return content.map((row) => `| ${row.content.map((cell) => inline(cell.content)).join(' | ')} |`).join('\n');
    case 'paragraph':
      return inline(content);
    default:
      return content.some(({ content: inner }) => inner.length > 0) ? blocks(content) : inline([node]);
  }
}

function listItem({ type, content }: Node, mark: string): string {
  return indented(type === 'taskItem' ? inline(content) : content.map(block).join('\n'), mark, ' '.repeat(mark.length));
}

function checkbox({ attrs }: Node): string {
  return attrs.state === 'DONE' ? '- [x] ' : '- [ ] ';
}

function indented(text: string, first: string, others: string): string {
  return text
    .split('\n')
    .map((line, index) => `${index === 0 ? first : others}${line}`)
    .join('\n');
}

function inline(nodes: readonly Node[]): string {
  return nodes
    .map(({ type, text, attrs, marks, content }) => {
      if (type === 'text') return marked(text, marks);
      if (type === 'hardBreak') return '\n';
      if (content.length > 0) return inline(content);
      return [attrs.text, attrs.url, attrs.shortName].find((word) => typeof word === 'string') ?? '';
    })
    .join('');
}

/** Only the formats that plans use: code, bold text, and addresses. */
function marked(text: string, marks: readonly Node[]): string {
  const has = (type: string) => marks.some((mark) => mark.type === type);
  const href = marks.find(({ type }) => type === 'link')?.attrs.href;
  const shown = has('code') ? `\`${text}\`` : has('strong') ? `**${text}**` : text;
  return typeof href === 'string' && href !== text ? `[${shown}](${href})` : shown;
}

function fenced(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

function levelOf(level: unknown): number {
  return typeof level === 'number' && level >= 1 && level <= 6 ? Math.floor(level) : 1;
}

function wordOf(word: unknown): string {
  return typeof word === 'string' && /^[\w+#-]{1,40}$/.test(word) ? word : '';
}
