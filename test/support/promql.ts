/** What an expression asks for: a metric, and how its labels must be. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
}

export interface Matcher {
  readonly label: string;
  readonly operator: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

export interface Read {
  readonly selectors: readonly Selector[];
  /** Labels that it groups, matches or keeps series by. */
  readonly labels: readonly string[];
}

/** Words that are followed by labels in parentheses. */
const BEFORE_LABELS = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);

/** Words that are no metric. A function is known by the parenthesis that follows it. */
const WORDS = new Set([...BEFORE_LABELS, 'and', 'or', 'unless', 'bool', 'offset', 'atan2', 'inf', 'nan']);

const AGGREGATIONS = new Set(['sum', 'min', 'max', 'avg', 'count', 'group', 'stddev', 'topk', 'bottomk']);

/**
 * Reads a PromQL expression for what it selects. It takes the words apart and does not check the grammar, which is
 * promtool's to do; whatever it does not know to be something else it takes for a metric, so nothing is overlooked.
 */
export function readPromql(expression: string): Read {
  const tokens = tokensOf(expression);
  const selectors: Selector[] = [];
  const labels: string[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (!/^[a-zA-Z_:]/.test(token)) continue;
    const next = tokens[i + 1];
    if (BEFORE_LABELS.has(token)) {
      if (next !== '(') continue;
      for (i += 2; tokens[i] !== ')'; i++) {
        if (tokens[i] === undefined) throw new Error(`no end of the labels: ${expression}`);
        if (tokens[i] !== ',') labels.push(tokens[i]!);
      }
    } else if (next === '{') {
      const end = tokens.indexOf('}', i);
      selectors.push({ metric: token, matchers: matchersOf(tokens.slice(i + 2, end), expression) });
      i = end;
    } else if (next !== '(' && !WORDS.has(token) && !AGGREGATIONS.has(token)) {
      selectors.push({ metric: token, matchers: [] });
    }
  }
  return { selectors, labels };
}

function matchersOf(tokens: readonly string[], expression: string): Matcher[] {
  const matchers: Matcher[] = [];
  for (let i = 0; i < tokens.length; i += 4) {
    const [label, operator, quoted] = tokens.slice(i, i + 3);
    if (label === undefined || !/^(=|!=|=~|!~)$/.test(operator ?? '') || !/^"/.test(quoted ?? '')) {
      throw new Error(`no matchers, ${tokens.join(' ')}: ${expression}`);
    }
    const value = JSON.parse(quoted!) as string;
    matchers.push({ label, operator: operator as Matcher['operator'], value });
  }
  return matchers;
}

function tokensOf(expression: string): string[] {
  const found = expression.match(
    /"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[a-zA-Z_:][\w:]*|\d[\w.]*|=~|!~|!=|==|>=|<=|[-+*/%^<>=(){},@]|\S/g,
  );
  return (found ?? []).filter((token) => !token.startsWith('['));
}
