import { createHash } from 'node:crypto'
import { parseItemId } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import type { Apply, ItemReference } from './applies.ts'
import type { DocumentPlace } from './documents.ts'
import type { Model } from './models.ts'
import { applyKey, formerTable } from './trim-applies.ts'

type Put = DocumentPlace & { readonly text: string }
type Content = Readonly<Record<string, unknown>>

const isRecord = (value: unknown): value is Content => typeof value === 'object' && value !== null && !Array.isArray(value)
const isReference = (value: unknown): boolean => isRecord(value) && typeof value.hash === 'string' && typeof value.meaning === 'string'
const isText = (value: unknown): boolean => typeof value === 'string'
const isCount = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 0
const all =
  (test: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    (Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [null]).every(test)
const list =
  (test: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    Array.isArray(value) && value.every(test)
const change = (reference: (value: unknown) => boolean) => (value: unknown) =>
  isRecord(value) && [value.before, value.after].every((one) => one === null || reference(one))

/** What the documents of a table have to hold for the registry to be read. A table that is not among these is nobody's. */
const shapes: Readonly<Record<string, Readonly<Record<string, (value: unknown) => boolean>>>> = {
  environments: {
    apply: isCount,
    items: (value) => isRecord(value) && all(isReference)(value),
    current: (value) => isRecord(value) && all(isCount)(value),
  },
  applies: {
    number: isCount,
    environment: isText,
    kind: isText,
    at: isText,
    by: isText,
    changes: list(change(isReference)),
    current: list(change(isCount)),
  },
  items: {},
  former: { items: (value) => isRecord(value) && all(isReference)(value) },
  audit: { by: isText },
  features: { status: isText, at: isText, by: isText, brownOuts: list(isRecord) },
  tombstones: { meaning: isText, removed: isText, by: isText },
  runs: { kind: isText, environment: isText, subject: isText, started: isText, outcome: isText },
  statistics: { environment: isText, group: isText, feature: isText, count: isCount, computed: isText },
  usage: { features: list(list(isText)), counts: list(isRecord) },
  trainingSets: { environment: isText, view: isText, version: isCount, path: isText, live: (value) => typeof value === 'boolean' },
  models: { versions: list((value) => isRecord(value) && isCount(value.version) && isText(value.trainingSet)) },
  principals: { kind: isText, grants: list((value) => isRecord(value) && [value.role, value.environment, value.on].every(isText)) },
  tokens: { principal: isText, hash: isText, created: isText },
}

/**
 * That the documents of an export can be read, and all that they refer to is there: items, also those of the history, back to the oldest
 * apply that is kept; principals of tokens; training sets of live models. Throws `INVALID_ARGUMENT` with the document.
 */
export function checkDocuments(puts: readonly Put[]): void {
  const tables = new Map<string, Map<string, Content>>(Object.keys(shapes).map((table) => [table, new Map<string, Content>()]))
  for (const put of puts) tables.get(put.table)?.set(put.key, contentOf(put))
  const of = <T>(table: string) => tables.get(table) as ReadonlyMap<string, unknown> as ReadonlyMap<string, T>
  const items = of('items')
  const lacks = ({ hash }: ItemReference) => !items.has(hash)
  for (const [key, { items: references, current }] of of<Head>('environments')) {
    const where = `environments/${key}`
    const lacking = Object.entries(references).find(([, reference]) => lacks(reference))
    if (lacking) throw broken(`The environment ${key} refers to an item that is not there: ${lacking[0]}`, where)
    for (const [view, version] of Object.entries(current))
      if (!Object.hasOwn(references, `view:${view}@${version}`))
        throw broken(`The current version ${version} of the view ${view} is not there`, where)
  }
  checkHistory(of<Head>('environments'), of<Apply>('applies'), lacks)
  for (const [key, former] of of<Pick<Head, 'items'>>(formerTable))
    if (Object.values(former.items).some(lacks)) throw broken('It refers to an item that is not there', `${formerTable}/${key}`)
  for (const [key, { principal }] of of<{ readonly principal: string }>('tokens'))
    if (!of('principals').has(principal)) throw broken(`The token is one of ${principal}, who is not there`, `tokens/${key}`)
  for (const [key, { versions }] of of<Pick<Model, 'versions'>>('models')) {
    const lacking = versions.find(({ live, trainingSet }) => live && !of('trainingSets').has(trainingSet))
    if (lacking) throw broken(`Version ${lacking.version} was trained with ${lacking.trainingSet}, which is not there`, `models/${key}`)
  }
}

interface Head {
  readonly apply: number
  readonly items: Readonly<Record<string, ItemReference>>
  readonly current: Readonly<Record<string, number>>
}

/** Applies of an environment follow each other up to its last one, and the items that they changed are there. */
function checkHistory(
  heads: ReadonlyMap<string, Head>,
  applies: ReadonlyMap<string, Apply>,
  lacks: (reference: ItemReference) => boolean,
): void {
  for (const [key, { environment, number, changes }] of applies) {
    const where = `applies/${key}`
    if (key !== applyKey(environment, number)) throw broken(`It says to be apply ${number} of ${environment}`, where)
    if (number > (heads.get(environment)?.apply ?? 0))
      throw broken(`The environment ${environment} does not know of apply ${number}`, where)
    const references = changes.flatMap(({ id, before, after }) => [before, after].flatMap((one) => (one === null ? [] : [{ id, ...one }])))
    const lacking = references.find(lacks)
    if (lacking) throw broken(`It changed an item that is not there: ${lacking.id}`, where)
    for (const { id } of changes) if (!isItemId(id)) throw broken(`${JSON.stringify(id)} is no id of an item`, where)
  }
  const numbers = Map.groupBy(applies.values(), ({ environment }) => environment)
  for (const [environment, { apply }] of heads) {
    const own = new Set((numbers.get(environment) ?? []).map(({ number }) => number))
    const gap = Array.from({ length: Math.max(0, apply - Math.min(...own, apply)) + 1 }, (_, back) => apply - back).find(
      (number) => !own.has(number),
    )
    if (gap !== undefined) throw broken(`Apply ${gap} of ${environment} is not there`, `environments/${environment}`)
  }
}

function isItemId(id: string): boolean {
  try {
    parseItemId(id)
    return true
  } catch {
    return false
  }
}

function contentOf({ table, key, text }: Put): Content {
  const where = `${table}/${key}`
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (cause) {
    throw broken(`A document is no JSON: ${(cause as Error).message}`, where)
  }
  if (!isRecord(content)) throw broken('A document is no object', where)
  for (const [name, test] of Object.entries(shapes[table] ?? {}))
    if (!test(content[name])) throw broken(`A document has no ${name}, or another one than it should have`, where)
  if (table === 'items' && createHash('sha256').update(text).digest('hex').slice(0, key.length) !== key)
    throw broken('An item is not what it was', where)
  return content
}

export const broken = (message: string, where = ''): LockstepError =>
  new LockstepError('INVALID_ARGUMENT', message, { where, remedy: 'Import what lockstep registry export wrote, unchanged.' })
