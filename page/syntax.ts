/**
 * Syntax colours: comments, strings, numbers and the keywords that most languages share. It works on one line at a time, so only the first line of a
 * comment is coloured.
 */

export interface Token {
  readonly kind: 'comment' | 'string' | 'number' | 'keyword' | 'plain';
  readonly text: string;
}

const hashed = /\.(?:py|rb|sh|bash|ya?ml|toml|pl|r|conf|dockerfile)$|(?:^|\/)(?:Makefile|Dockerfile)$/i;
const prose = /\.(?:md|txt|csv|lock)$/i;
const keywords =
  'abstract|and|as|async|await|bool|break|case|catch|class|const|continue|def|default|delete|do|elif|else|end|enum|except|export|extends|false|fi|final|finally|fn|for|from|func|function|go|if|impl|implements|import|in|interface|is|let|match|mod|module|mut|new|nil|None|not|null|of|or|package|pass|private|protected|pub|public|raise|readonly|return|self|static|struct|super|switch|then|this|throw|trait|true|True|False|try|type|undefined|use|using|val|var|void|where|while|with|yield';
const rest = `|("(?:[^"\\\\]|\\\\.)*"?|'(?:[^'\\\\]|\\\\.)*'?|\`(?:[^\`\\\\]|\\\\.)*\`?)|\\b(\\d[\\w.]*)\\b|\\b(${keywords})\\b`;
const slashes = new RegExp(`(//.*|/\\*.*?(?:\\*/|$))${rest}`, 'g');
const hashes = new RegExp(`((?:^|(?<=\\s))#.*)${rest}`, 'g');
/** A longer line was probably generated, and is not coloured. */
const longest = 500;

export function tokensOf(text: string, path: string): Token[] {
  if (prose.test(path) || text.length > longest) return [{ kind: 'plain', text }];
  const tokens: Token[] = [];
  let end = 0;
  for (const found of text.matchAll(hashed.test(path) ? hashes : slashes)) {
    if (found.index > end) tokens.push({ kind: 'plain', text: text.slice(end, found.index) });
    const [whole, comment, string, number] = found;
    const kind = comment ? 'comment' : string ? 'string' : number ? 'number' : 'keyword';
    tokens.push({ kind, text: whole });
    end = found.index + whole.length;
  }
  if (end < text.length) tokens.push({ kind: 'plain', text: text.slice(end) });
  return tokens;
}
