/**
 * `docs/RECORDS.md`, made from the source that reads and writes the records, by its syntax alone: every envelope, command, fact, report
 * and event with its fields. It must never say of a record what the code does not.
 */
import { readFileSync } from 'node:fs';
import ts from 'typescript';

const root = new URL('../', import.meta.url);

interface Field {
  readonly name: string;
  readonly type: string;
  readonly about: string;
}

/** Declared shapes of the files, by name. */
class Shapes {
  readonly #declared = new Map<
    string,
    { readonly node: ts.InterfaceDeclaration | ts.TypeAliasDeclaration; readonly file: ts.SourceFile }
  >();
  readonly constants = new Map<string, string>();

  constructor(paths: readonly string[]) {
    for (const path of paths) this.#read(path);
  }

  #read(path: string): void {
    const file = ts.createSourceFile(path, readFileSync(new URL(path, root), 'utf8'), ts.ScriptTarget.ES2023, true);
    for (const node of file.statements) {
      if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node))
        this.#declared.set(node.name.text, { node, file });
      if (!ts.isVariableStatement(node)) continue;
      for (const { name, initializer } of node.declarationList.declarations)
        if (ts.isIdentifier(name) && initializer) this.constants.set(name.text, initializer.getText(file));
    }
  }

  has(name: string): boolean {
    return this.#declared.has(name);
  }

  about(name: string): string {
    return docOf(this.#of(name).node);
  }

  fields(name: string): readonly Field[] {
    const { node } = this.#of(name);
    if (ts.isInterfaceDeclaration(node)) {
      const bases = (node.heritageClauses ?? []).flatMap(({ types }) =>
        types.map(({ expression }) => expression.getText()),
      );
      const inherited = bases.filter((base) => this.has(base)).flatMap((base) => this.fields(base));
      return [...node.members.flatMap((member) => fieldOf(member)), ...inherited];
    }
    return ts.isTypeLiteralNode(node.type) ? node.type.members.flatMap((member) => fieldOf(member)) : [];
  }

  /** The variants of a union, each as its fields; named ones and `Wrapper<{…}>` are opened. */
  variants(name: string): readonly { readonly about: string; readonly fields: readonly Field[] }[] {
    const { node } = this.#of(name);
    if (!ts.isTypeAliasDeclaration(node)) throw new Error(`${name} is no union`);
    const parts = ts.isUnionTypeNode(node.type) ? node.type.types : [node.type];
    return parts.flatMap((part) => this.#variant(part));
  }

  /** The text of a union of literals, or of a tuple. */
  text(name: string): string | undefined {
    const { node, file } = this.#of(name);
    return ts.isTypeAliasDeclaration(node) ? clean(node.type.getText(file)) : undefined;
  }

  #variant(part: ts.TypeNode): { about: string; fields: readonly Field[] }[] {
    if (ts.isTypeLiteralNode(part))
      return [{ about: docOf(part), fields: part.members.flatMap((member) => fieldOf(member)) }];
    if (!ts.isTypeReferenceNode(part)) return [];
    const name = part.typeName.getText();
    const [argument] = part.typeArguments ?? [];
    if (argument) {
      const by: Field = { name: 'by', type: 'Actor', about: '' };
      const inner = ts.isUnionTypeNode(argument)
        ? argument.types.flatMap((one) => this.#variant(one))
        : this.#variant(argument);
      return inner.map(({ about, fields }) => ({ about, fields: [...fields, ...(name === 'ByPerson' ? [by] : [])] }));
    }
    if (!this.has(name)) return [];
    const { node } = this.#of(name);
    if (ts.isTypeAliasDeclaration(node) && ts.isUnionTypeNode(node.type)) return [...this.variants(name)];
    return [{ about: this.about(name), fields: this.fields(name) }];
  }

  #of(name: string) {
    const found = this.#declared.get(name);
    if (!found) throw new Error(`${name} is not declared in the files of the records`);
    return found;
  }
}

const clean = (text: string): string =>
  text
    .replace(/\/\*\*[\s\S]*?\*\//g, '')
    .replace(/\breadonly /g, '')
    .replace(/\s+/g, ' ')
    .replace(/^\| /, '')
    .trim();

function fieldOf(member: ts.TypeElement): Field[] {
  if (!ts.isPropertySignature(member) || !member.type) return [];
  const name = `${member.name.getText()}${member.questionToken ? '?' : ''}`;
  return [{ name, type: clean(member.type.getText()), about: docOf(member) }];
}

function docOf(node: ts.Node): string {
  const [comment] = ts.getJSDocCommentsAndTags(node);
  return comment && ts.isJSDoc(comment) ? (ts.getTextOfJSDocComment(comment.comment) ?? '').replace(/\s+/g, ' ') : '';
}

const shapes = (): Shapes =>
  new Shapes([
    ...['commands', 'records', 'snapshots', 'topics'].map((name) => `libs/contracts/src/${name}.ts`),
    ...[
      'facts',
      'shard-events',
      'shard',
      'shard-commands',
      'market-state',
      'market-commands',
      'upkeep',
      'carry',
      'limits',
    ].map((name) => `libs/engine/src/${name}.ts`),
    ...['tick', 'odds-book', 'pool-book'].map((name) => `libs/views/src/${name}.ts`),
    'libs/runtime/src/valid-records.ts',
  ]);

/** Constant of what is written, what it is, and the constant of the newest that is read where that is another. */
const FORMATS = [
  ['COMMAND_FORMAT', 'envelope of a command', undefined],
  ['RECORD_FORMAT', 'decision and start records', 'NEWEST_RECORD_FORMAT'],
  ['TICK_FORMAT', 'odds tick', undefined],
  ['CHECKPOINT_FORMAT', 'checkpoint of a reader', undefined],
  ['SHARD_SCHEMA', 'state of a shard, in its snapshots', undefined],
  ['MARKET_SCHEMA', 'state of the market, in its snapshots', undefined],
] as const;

/** The text of `docs/RECORDS.md`. */
export function recordsDocument(): string {
  const all = shapes();
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const named = new Set<string>();
  const table = (fields: readonly Field[]): string[] => {
    for (const { type } of fields)
      for (const [name] of type.matchAll(/\b[A-Z]\w+/g)) if (all.has(name)) named.add(name);
    return [
      ...['| field | type | what |', '|---|---|---|'],
      ...fields.map(
        ({ name, type, about }) => `| \`${name}\` | ${type === '' ? '' : `\`${cell(type)}\``} | ${cell(about)} |`,
      ),
      '',
    ];
  };
  const shape = (name: string): string[] => [
    `### ${name}`,
    '',
    ...paragraph(all.about(name)),
    ...table(all.fields(name)),
  ];
  const union = (name: string, tag: 'type' | 't'): string[] =>
    all.variants(name).flatMap(({ about, fields }) => {
      const title = fields.find((field) => field.name === tag)?.type.replaceAll("'", '') ?? '?';
      const rest = fields.filter((field) => field.name !== tag);
      return [`#### ${title}`, '', ...paragraph(about), ...(rest.length > 0 ? table(rest) : ['No fields.', ''])];
    });
  const body = [
    ...[
      '## Commands',
      '',
      'In `shard.commands` and `market.commands`. `cmd` is a client’s command as JSON; what a service says travels as',
    ],
    ...['the exact text that was signed (`signed`, `mac`).', '', ...shape('Envelope')],
    ...[
      '### Of a shard',
      '',
      ...union('ShardCommand', 'type'),
      '### Of the market',
      '',
      ...union('MarketCommand', 'type'),
    ],
    ...[
      '## Decisions',
      '',
      'In `shard.decisions` and `market.decisions`: one record for each command, hashed as the bytes it is.',
      '',
    ],
    ...[...shape('DecisionRecord'), ...shape('StartedRecord')],
    ...[
      '### Events of a shard',
      '',
      ...union('ShardEvent', 't'),
      '### Events of the market',
      '',
      ...union('MarketEvent', 't'),
    ],
    ...[
      '## Market facts',
      '',
      'Relayed into every shard’s commands under a gap-free number.',
      '',
      ...union('MarketFact', 't'),
    ],
    ...[
      '## Shard reports',
      '',
      'Relayed back to the market under a gap-free number.',
      '',
      ...union('ShardReport', 't'),
    ],
    ...[
      '## Odds ticks',
      '',
      'In `odds`; a tick too large for one record is cut into parts.',
      '',
      ...shape('Tick'),
      ...shape('TickPart'),
    ],
    ...['## Snapshots', '', ...shape('SnapshotHead')],
  ];
  const lines = [...head(all), ...body, '## Shapes', '', ...shapesOf(all, named, shape)];
  return `${lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd()}\n`;
}

const paragraph = (text: string): string[] => (text === '' ? [] : [text, '']);

/** Every shape that a field names, and what those name in turn. */
function shapesOf(all: Shapes, named: Set<string>, shape: (name: string) => string[]): string[] {
  const done = new Set([
    'DecisionRecord',
    'StartedRecord',
    'Tick',
    'Envelope',
    'ShardReport',
    'MarketFact',
    'SnapshotHead',
  ]);
  const lines: string[] = [];
  for (const name of named) {
    if (done.has(name)) continue;
    done.add(name);
    if (all.fields(name).length > 0) lines.push(...shape(name));
    else lines.push(`### ${name}`, '', ...paragraph(all.about(name)), `\`${all.text(name)}\``, '');
  }
  return lines;
}

function head(all: Shapes): string[] {
  const formats = FORMATS.flatMap(([name, what, newest]) => {
    const value = all.constants.get(name);
    if (value === undefined) return [];
    const last = newest && all.constants.get(newest);
    return [
      last
        ? `| ${what} | \`${value}\`; \`${last}\` from the fact \`RecordFormatRaised\` on | \`${value}\` to \`${last}\` |`
        : `| ${what} | \`${value}\` | \`${value}\` |`,
    ];
  });
  return [
    '# Records',
    '',
    'What stands in the log, made from the source by `npm run documents`; a test fails when this page is stale. All records are UTF-8 JSON;',
    'amounts are integers in minor units, times milliseconds UTC. A `?` marks a field that may be absent.',
    '',
    'Every record names its format. A reader that meets a newer one stops and says so; it never skips, and never guesses. A trace context may',
    'travel beside a record in Kafka’s header `traceparent`: it is no part of the bytes that are hashed, and decides nothing.',
    '',
    '| what | written | read |',
    '|---|---|---|',
    ...formats,
    '',
    'Bytes as every format wrote them lie in `test/records`, and are read by every release. A hash is always over the bytes as they stand, so',
    'reading an old format as the newest changes none. A newer format is read by one release and written by the next, when two people have',
    'confirmed it to the market ([runbook](OPERATIONS.md#a-newer-record-format)). A state of another layout is no record: its snapshot is passed',
    'over, and the log folded.',
    '',
  ];
}
