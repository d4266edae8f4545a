/**
 * The public types of one entry in one file: each exported declaration, and each declaration that one of these names, from the compiler's declaration
 * files. Types that nothing public names are left out.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseAst } from 'rolldown/parseAst';

/** Throws if two of these declarations have the same name, or if a kind of declaration is not known here. */
export function typesOf(entry) {
  const modules = new Map();
  /** The declarations by name, in the order in which they were found. */
  const found = new Map();
  /** The imported names by package. */
  const packages = new Map();

  function moduleAt(file) {
    const known = modules.get(file);
    if (known !== undefined) return known;
    const text = readFileSync(file, 'utf8');
    const made = { file, text, declared: new Map(), imported: new Map(), exported: new Map(), all: [] };
    modules.set(file, made);
    for (const node of parseAst(text, { lang: 'ts', sourceType: 'module' }).body) note(made, node);
    return made;
  }

  function note(module, node) {
    const at = (source) =>
      source.startsWith('.') ? join(dirname(module.file), source.replace(/\.(?:ts|js)$/, '.d.ts')) : source;
    if (node.type === 'ImportDeclaration') {
      for (const { local, imported } of node.specifiers)
        module.imported.set(local.name, { from: at(node.source.value), name: imported?.name ?? '*' });
    } else if (node.type === 'ExportAllDeclaration') module.all.push(at(node.source.value));
    else if (node.type === 'ExportNamedDeclaration' && node.declaration === null) {
      const from = node.source === null ? null : at(node.source.value);
      for (const { local, exported } of node.specifiers) module.exported.set(exported.name, { from, name: local.name });
    } else {
      const declaration = node.type === 'ExportNamedDeclaration' ? node.declaration : node;
      for (const name of namesOf(declaration)) {
        module.declared.set(name, [...(module.declared.get(name) ?? []), { node, declaration }]);
        if (node !== declaration) module.exported.set(name, { from: null, name });
      }
    }
  }

  /** Where the name in a module is declared: in one of stator's modules, or in a package. null: it belongs to the language. */
  function placeOf(module, name) {
    if (module.declared.has(name)) return { module, name };
    const imported = module.imported.get(name);
    return imported === undefined ? null : exportOf(imported.from, imported.name);
  }

  function exportOf(file, name) {
    if (!file.startsWith('/')) return { package: file, name };
    const module = moduleAt(file);
    const own = module.exported.get(name);
    if (own !== undefined) return own.from === null ? placeOf(module, own.name) : exportOf(own.from, own.name);
    for (const other of module.all) {
      const place = exportOf(other, name);
      if (place !== null) return place;
    }
    return null;
  }

  function add(place, as) {
    if (place.package !== undefined) {
      packages.set(
        place.package,
        new Set([...(packages.get(place.package) ?? []), as === place.name ? as : `${place.name} as ${as}`]),
      );
      return;
    }
    if (as !== place.name) throw new Error(`${place.name} is known as ${as}`);
    const { module, name } = place;
    const before = found.get(name);
    if (before !== undefined) {
      if (before.module !== module)
        throw new Error(`${name} is declared in ${module.file} and in ${before.module.file}`);
      return;
    }
    // A value and a type may have the same name.
    const declarations = module.declared.get(name);
    found.set(name, { module, texts: declarations.map(({ node }) => textOf(module, node)) });
    for (const { declaration } of declarations) {
      const own = ownNames(declaration);
      for (const used of identifiersOf(declaration)) {
        if (used === name || own.has(used)) continue;
        const other = placeOf(module, used);
        if (other !== null) add(other, used);
      }
    }
  }

  const root = moduleAt(entry);
  const exported = new Map([...root.exported.keys()].map((name) => [name, exportOf(entry, name)]));
  for (const file of root.all)
    for (const name of moduleAt(file).exported.keys()) exported.set(name, exportOf(file, name));
  for (const [name, place] of exported) add(place, name);
  const imports = [...packages]
    .sort()
    .map(([from, names]) => `import type { ${[...names].sort().join(', ')} } from '${from}';\n`);
  const texts = [...found].flatMap(([name, { texts: parts }]) =>
    parts.map(({ comment, text }) => `${comment}${exported.has(name) ? 'export ' : ''}${text}`),
  );
  return `${imports.join('')}\n${texts.join('\n')}\nexport {};\n`;
}

function namesOf(declaration) {
  if (declaration.type === 'VariableDeclaration') return declaration.declarations.map(({ id }) => id.name);
  if (declaration.id === null || declaration.id === undefined) throw new Error(`${declaration.type} is not known`);
  return [declaration.id.name];
}

/** The type parameters, which hide outer declarations of the same name. */
function ownNames(node) {
  const names = new Set();
  each(node, (inner) => {
    if (inner.type === 'TSTypeParameter') names.add(typeof inner.name === 'string' ? inner.name : inner.name.name);
    if (inner.type === 'TSInferType') names.add(inner.typeParameter.name.name ?? inner.typeParameter.name);
  });
  return names;
}

function identifiersOf(node) {
  const names = new Set();
  each(node, (inner, key) => {
    if (inner.type === 'Identifier' && key !== 'key' && key !== 'label') names.add(inner.name);
  });
  return names;
}

function each(node, visit, key = '') {
  if (node === null || typeof node !== 'object') return;
  if (Array.isArray(node)) {
    for (const one of node) each(one, visit, key);
    return;
  }
  if (typeof node.type === 'string') visit(node, key);
  for (const [name, value] of Object.entries(node)) each(value, visit, name);
}

/** The declaration with its own comment, for a file of its own. */
function textOf({ text }, node) {
  const before = text.slice(0, node.start);
  const comment = /\/\*\*(?:[^*]|\*(?!\/))*\*\/\s*$/.exec(before)?.[0].trim() ?? '';
  const body = text.slice(node.start, node.end).replace(/^export /, '');
  const declared = /^(?:declare|interface|type) /.test(body) ? body : `declare ${body}`;
  return { comment: comment === '' ? '' : `${comment}\n`, text: declared };
}
