import { createHash } from 'node:crypto'
import {
  type CodeOf,
  type Definition,
  definitionsOf,
  highestVersion,
  type Incomplete,
  type Item,
  parseItemId,
  type Snapshot,
  statusOfItem,
} from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { canonicalHash, canonicalJson } from '../lib/canonical-json.ts'
import type { Clock } from '../lib/clock.ts'
import { formatMoment } from '../lib/moment.ts'
import { bareId, SnapshotTexts } from '../plan/index.ts'
import type { Commit, DocumentStore } from './documents.ts'
import { readDocument } from './read-document.ts'
import { keptOf } from './retention.ts'
import { applyKey, formerItems, type TrimmedApplies, trimApplies } from './trim-applies.ts'

/** What stands for an item in an environment: its text by hash, and what it means together with what it refers to. */
export interface ItemReference {
  readonly hash: string
  readonly meaning: string
}

/** The version of each view that requests get which name none. */
export type CurrentVersions = ReadonlyMap<string, number>

/** What an environment holds after an apply. */
export interface State {
  readonly items: ReadonlyMap<string, ItemReference>
  readonly current: CurrentVersions
}

/** Equal for equal states, be they of one apply or not. */
export function stateHash(state: State | null): string {
  const { items, current } = state ?? nothing
  return canonicalHash({ items: Object.fromEntries(items), current: Object.fromEntries(current) })
}

/** What is applied in an environment. */
export interface Head extends State {
  readonly environment: string
  /** The number of the apply that made it: 1 for the first. */
  readonly apply: number
  /** The revision of its document: the condition of the next apply. */
  readonly revision: number
}

export type ApplyKind = 'apply' | 'remove' | 'restore' | 'rollback' | 'promote' | 'switch'

export interface ItemChange {
  readonly id: string
  readonly before: ItemReference | null
  readonly after: ItemReference | null
}

export interface CurrentChange {
  readonly view: string
  readonly before: number | null
  readonly after: number | null
}

/** One apply, as history keeps it. */
export interface Apply {
  readonly number: number
  readonly environment: string
  readonly kind: ApplyKind
  /** ISO 8601, UTC. */
  readonly at: string
  readonly by: string
  readonly message: string
  readonly changes: readonly ItemChange[]
  readonly current: readonly CurrentChange[]
  /** Of a rollback: the apply whose state came back. */
  readonly to?: number
}

export interface NewApply {
  readonly environment: string
  /** What it was planned on; null where nothing was applied yet. */
  readonly base: Head | null
  /** All that the environment shall hold; as before where it is left out. */
  readonly snapshot?: Snapshot
  /** As `currentAfter` says where it is left out. */
  readonly current?: CurrentVersions
  readonly kind: ApplyKind
  readonly by: string
  readonly message: string
  /** Of a rollback: the apply whose state comes back. */
  readonly to?: number
  /** What belongs to the same commit. */
  readonly also?: Commit
}

/** Definitions made of what is applied. */
export interface Applied {
  readonly head: Head
  readonly definitions: readonly Definition[]
  /** What needs code that is not there. */
  readonly incomplete: readonly Incomplete[]
}

interface HeadDocument {
  readonly apply: number
  readonly items: Readonly<Record<string, ItemReference>>
  readonly current: Readonly<Record<string, number>>
}

const page = 200
const nothing: State = { items: new Map(), current: new Map() }

/** What is applied in each environment, and how it came to be: one commit for each apply, each with the one before it as condition. */
export class Applies {
  readonly #documents: DocumentStore
  readonly #clock: Clock
  /** Applies of each environment that are kept. */
  readonly #keep: number
  /** Texts of items by hash, which never change. */
  readonly #texts = new Map<string, string>()

  constructor(documents: DocumentStore, clock: Clock, { applies: keep } = keptOf()) {
    this.#documents = documents
    this.#clock = clock
    this.#keep = keep
  }

  /** The names of the environments in which something was applied, in order. */
  async environments(): Promise<string[]> {
    return (await this.#documents.list('environments')).map(({ key }) => key)
  }

  /** What is applied in an environment; null where nothing ever was. */
  async head(environment: string): Promise<Head | null> {
    const [document] = await this.#documents.read([{ table: 'environments', key: environment }])
    if (!document) return null
    const { apply, items, current } = readDocument<HeadDocument>('environments', document)
    return {
      environment,
      apply,
      items: new Map(Object.entries(items)),
      current: new Map(Object.entries(current)),
      revision: document.revision,
    }
  }

  /** The items of a state, in order of their ids. Throws `STORE_CORRUPT` where one is not there or not what it was. */
  async items({ items }: Pick<State, 'items'>): Promise<Snapshot> {
    const unread = [...new Set([...items.values()].map(({ hash }) => hash))].filter((hash) => !this.#texts.has(hash))
    const documents = await this.#documents.read(unread.map((key) => ({ table: 'items', key })))
    unread.forEach((hash, index) => {
      const text = documents[index]?.text
      if (text === undefined || hashOf(text) !== hash)
        throw new LockstepError('STORE_CORRUPT', `The registry ${text === undefined ? 'lacks' : 'has another text for'} the item ${hash}`, {
          remedy: 'Import an export of the registry, or apply the definitions to another registry.',
        })
      this.#texts.set(hash, text)
    })
    const snapshot = new Map([...items].map(([id, reference]) => [id, itemOf(id, reference, this.#texts.get(reference.hash) as string)]))
    this.#forgetTexts(snapshot)
    return snapshot
  }

  /** The definitions that are applied in an environment; null where nothing ever was. */
  async applied(environment: string, codeOf: CodeOf): Promise<Applied | null> {
    const head = await this.head(environment)
    return head && { head, ...definitionsOf((await this.items(head)).values(), codeOf) }
  }

  /**
   * Makes an environment hold what is given, in one commit. Gives the new head; the one before where nothing changes.
   * Throws `REGISTRY_CONFLICT` where another apply came first, and `IN_USE` where an item would be gone that another refers to.
   */
  async append({ environment, base, snapshot, kind, by, message, to, also = {}, ...rest }: NewApply): Promise<Head> {
    const before: State = base ?? nothing
    const items = snapshot ? new Map([...snapshot].map(([id, { hash, meaning }]) => [id, { hash, meaning }])) : before.items
    const current = rest.current ?? (snapshot ? currentAfter(before.current, snapshot) : before.current)
    const [changes, currentChanges] = [itemChanges(before.items, items), changesOfCurrent(before.current, current)]
    if (base && changes.length === 0 && currentChanges.length === 0) return base
    if (snapshot) refuseDangling(snapshot, changes)
    const number = (base?.apply ?? 0) + 1
    const record: Apply = {
      number,
      environment,
      kind,
      at: formatMoment(this.#clock.now()),
      by,
      message,
      changes,
      current: currentChanges,
      ...(to === undefined ? {} : { to }),
    }
    const texts = changes.flatMap(({ id, before: old, after }) => {
      const item = after && after.hash !== old?.hash && snapshot?.get(id)
      return item ? [{ table: 'items', key: item.hash, text: item.text }] : []
    })
    const revision = await this.#documents.commit({
      conditions: [{ table: 'environments', key: environment, revision: base?.revision ?? 0 }, ...(also.conditions ?? [])],
      puts: [
        ...texts,
        { table: 'environments', key: environment, text: headText({ apply: number, items, current }) },
        { table: 'applies', key: applyKey(environment, number), text: canonicalJson(record) },
        ...(also.puts ?? []),
      ],
      deletes: also.deletes ?? [],
    })
    if (revision === null)
      throw new LockstepError('REGISTRY_CONFLICT', `Another apply to ${environment} came first, after apply ${number - 1}`, {
        where: `environment ${environment}`,
      })
    // Ten times while all are replaced once. The apply is made, whatever becomes of those long before it.
    if (number > this.#keep && number % Math.ceil(this.#keep / 10) === 0) await this.trim(environment).catch(warnOfTrim)
    return { environment, apply: number, items, current, revision }
  }

  /** Removes the applies of an environment that are not kept, and what only they refer to. */
  async trim(environment: string): Promise<TrimmedApplies> {
    return await trimApplies(this.#documents, environment, this.#keep)
  }

  /** What was in an environment before the oldest of its applies that are kept: each with what it referred to. */
  async former(environment: string): Promise<readonly ReadonlyMap<string, ItemReference>[]> {
    return await formerItems(this.#documents, environment)
  }

  /** What makes a commit one that no apply comes between: it holds only while the head is this one, and what is planned on this one no more. */
  hold(head: Head): Required<Pick<Commit, 'conditions' | 'puts'>> {
    const place = { table: 'environments', key: head.environment }
    return { conditions: [{ ...place, revision: head.revision }], puts: [{ ...place, text: headText(head) }] }
  }

  /** The apply before the last one that no rollback has undone: one rollback after another goes back step by step. 0: there is none. */
  async beforeLast({ environment, apply }: Head): Promise<number> {
    for (let last = apply; ; ) {
      const [found] = await this.history(environment, { before: last + 1, limit: 1 })
      if (found?.kind !== 'rollback' || found.to === undefined) return last - 1
      last = found.to
    }
  }

  /** Applies of an environment, the newest first; those before a number where one is given. */
  async history(environment: string, { limit, before }: { limit?: number; before?: number } = {}): Promise<Apply[]> {
    const found = await this.#documents.list('applies', {
      prefix: `${environment}/`,
      descending: true,
      ...(before === undefined ? {} : { after: applyKey(environment, before) }),
      ...(limit === undefined ? {} : { limit }),
    })
    return found.map((document) => readDocument<Apply>('applies', document))
  }

  /** What an environment held after an earlier apply. Throws `INVALID_ARGUMENT` where there is none of this number, or none any more. */
  async stateAfter(head: Head, number: number): Promise<State> {
    const [oldest] = await this.#documents.list('applies', { prefix: `${head.environment}/`, limit: 1 })
    const first = oldest ? readDocument<Apply>('applies', oldest).number : 1
    if (!Number.isInteger(number) || number < first || number > head.apply)
      throw new LockstepError(
        'INVALID_ARGUMENT',
        `There is no apply ${number} of ${head.environment}; there are ${first} to ${head.apply}`,
        {
          remedy: 'Name one that `lockstep history` lists.',
        },
      )
    const [items, current] = [new Map(head.items), new Map(head.current)]
    for (let next = head.apply + 1; next > number + 1; ) {
      const found = await this.history(head.environment, { before: next, limit: Math.min(page, next - 1 - number) })
      for (const apply of found) {
        if (apply.number !== next - 1) break
        for (const { id, before } of apply.changes) setOrDelete(items, id, before)
        for (const { view, before } of apply.current) setOrDelete(current, view, before)
        next = apply.number
      }
      if (found.at(-1)?.number !== next)
        throw new LockstepError('STORE_CORRUPT', `The registry lacks apply ${next - 1} of ${head.environment}`)
    }
    return { items: inOrder(items), current: inOrder(current) }
  }

  /** Texts that no environment needs any more do not pile up in a process that runs for years. */
  #forgetTexts(snapshot: Snapshot): void {
    if (this.#texts.size < 4 * snapshot.size + 1000) return
    this.#texts.clear()
    for (const { hash, text } of snapshot.values()) this.#texts.set(hash, text)
  }
}

const headText = ({ apply, items, current }: Pick<Head, 'apply' | 'items' | 'current'>): string =>
  canonicalJson({ apply, items: Object.fromEntries(items), current: Object.fromEntries(current) } satisfies HeadDocument)

/** Only what changed can refer to what is not there; where something went, all can. */
function refuseDangling(after: Snapshot, changes: readonly ItemChange[]): void {
  const texts = new SnapshotTexts(after)
  const ids = changes.some((change) => change.after === null) ? [...after.keys()] : changes.map(({ id }) => id)
  for (const id of ids) {
    const gone = texts.references(id).find((each) => !after.has(each))
    if (gone !== undefined)
      throw new LockstepError('IN_USE', `${bareId(id)} refers to ${bareId(gone)}, which would not be there`, {
        where: id,
        remedy: 'Take out what refers to it too, or leave it in.',
      })
  }
}

function warnOfTrim(error: unknown): void {
  process.emitWarning(`Applies that are not kept could not be removed: ${error instanceof Error ? error.message : String(error)}`)
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32)
const inOrder = <T>(map: ReadonlyMap<string, T>) => new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)))

function setOrDelete<T>(map: Map<string, T>, key: string, value: T | null): void {
  if (value === null) map.delete(key)
  else map.set(key, value)
}

const itemOf = (id: string, { hash, meaning }: ItemReference, text: string): Item => ({ ...parseItemId(id), meaning, hash, text })

/** What differs between two states, in order of the ids. */
export function itemChanges(before: State['items'], after: State['items']): ItemChange[] {
  const ids = [...new Set([...before.keys(), ...after.keys()])].sort()
  const all = ids.map((id) => ({ id, before: before.get(id) ?? null, after: after.get(id) ?? null }))
  return all.filter((each) => each.before?.hash !== each.after?.hash || each.before?.meaning !== each.after?.meaning)
}

/** What differs between the current versions of two states, in order of the views. */
export function changesOfCurrent(before: CurrentVersions, after: CurrentVersions): CurrentChange[] {
  const views = [...new Set([...before.keys(), ...after.keys()])].sort()
  const all = views.map((view) => ({ view, before: before.get(view) ?? null, after: after.get(view) ?? null }))
  return all.filter((each) => each.before !== each.after)
}

/**
 * The current versions of views as they were. Of a view that had none, or whose current one is no longer there: the one that is
 * wished, else the highest, drafts behind all others.
 */
export function currentAfter(
  before: CurrentVersions,
  items: Snapshot,
  wished: CurrentVersions = new Map<string, number>(),
): CurrentVersions {
  const views = [...items.values()].filter(({ kind }) => kind === 'view')
  return inOrder(
    new Map(
      [...Map.groupBy(views, ({ name }) => name)].map(([view, all]) => {
        const isThere = (version: number | undefined) => all.some((one) => one.version === version)
        const known = [before.get(view), wished.get(view)].find(isThere)
        return [view, known ?? (highestVersion(all.map((one) => ({ ...one, status: statusOfItem(one) }))) as Item).version]
      }),
    ),
  )
}
