/** Excludes text for people, and types, from Stryker's mutants. The names of events, states and fields contain no space, and stay. */
import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';

/** Two words, or a sentence: letters, a space, letters. */
const isProse = (text) => /\p{L}[,;:.…]? +\p{L}/u.test(text);

function textOf({ node }) {
  if (node.type === 'StringLiteral') return node.value;
  if (node.type === 'TemplateLiteral') return node.quasis.map(({ value }) => value.raw).join('x');
  return '';
}

/** A transition that only says why nothing happens: `{ description: 'it is there already' }`. */
function isOnlyDescription({ node }) {
  if (node.type !== 'ObjectExpression' || node.properties.length !== 1) return false;
  const [{ key, value }] = node.properties;
  return key?.name === 'description' && isProse(textOf({ node: value }));
}

/** `setup({ types: { context: {} as … } })`: XState reads its types only. */
function isTypes({ node, parent }) {
  return node.type === 'ObjectExpression' && parent?.type === 'ObjectProperty' && parent.key.name === 'types';
}

/** `meta: { description: … }` of a state, and the texts of `.describe(…)` and errors. */
export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, 'prose', {
    shouldIgnore: (path) => {
      if (isTypes(path)) return 'types';
      return isProse(textOf(path)) || isOnlyDescription(path) ? 'text for people' : undefined;
    },
  }),
];
