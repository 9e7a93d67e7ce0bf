import {
  type CodeOf,
  catalogueOf,
  type Definition,
  definitionsOf,
  fingerprintOf,
  type Incomplete,
  type MadeItems,
  madeBefore,
  type OnDemand,
  reloadDefinitions,
} from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import type { Head, Watching } from '../registry/index.ts'
import { Adopted } from './adopted.ts'
import { unguarded } from './guarded-store.ts'
import type { Store } from './store.ts'

export interface FollowOptions {
  /** Definitions of files: whose on-demand code runs what is applied. Those of the store by default. */
  readonly files?: readonly Definition[]
  /** The module or folder of those files, in which code is looked for that came later; nowhere by default. */
  readonly path?: string
  /** Milliseconds between two looks at the registry. Default: 500. */
  readonly every?: number
  readonly clock?: Clock
  /** Told when something was adopted. */
  readonly adopted?: (following: Following) => void
  /** Told why what is applied cannot be adopted yet, or that the registry cannot be read; once for each reason. */
  readonly warn?: (error: Error) => void
}

/** How far a process has followed its environment. */
export interface Following {
  readonly environment: string
  /** The number of the apply whose definitions it works with; null where they come from files. */
  readonly apply: number | null
  /** When it adopted them, in microseconds; null where it began with them. */
  readonly adopted: number | null
  /** The apply that it cannot adopt yet, and why. */
  readonly waiting: { readonly apply: number; readonly why: string } | null
}

/** Has a store adopt what is applied in its environment, as soon as it changes. What cannot be adopted yet leaves it as it is. */
export class Follower implements AsyncDisposable {
  readonly #store: Store
  readonly #options: FollowOptions
  readonly #clock: Clock
  /** Code that was loaded, of all generations: what is applied may go back to it. */
  readonly #code = new Map<string, OnDemand>()
  #made: MadeItems = new Map()
  #modules: { readonly files: readonly string[]; readonly fingerprint: string } | null = null
  #adopted: number | null = null
  #waiting: Following['waiting'] = null
  #watching: Watching | null = null

  private constructor(store: Store, options: FollowOptions) {
    this.#store = store
    this.#options = options
    this.#clock = options.clock ?? systemClock
    const { definitions, head } = store.adopted
    if (head) this.#made = madeBefore(definitions, head.items)
    this.#learn(definitions)
    this.#learn(options.files ?? [])
  }

  /** Looks once, then goes on looking until it is closed. A registry that cannot be read is no error: it is told of, and tried again. */
  static async start(store: Store, options: FollowOptions = {}): Promise<Follower> {
    const follower = new Follower(await unguarded(store, 'read'), options)
    await follower.#begin()
    return follower
  }

  get following(): Following {
    const { environment, adopted } = this.#store
    return { environment, apply: adopted.head?.apply ?? null, adopted: this.#adopted, waiting: this.#waiting }
  }

  async close(): Promise<void> {
    await this.#watching?.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #begin(): Promise<void> {
    const { registry, environment } = this.#store
    const { every, warn } = this.#options
    this.#watching = await registry.watch.watch({
      ranges: [{ table: 'environments', prefix: environment }],
      changed: () => this.#look(),
      failed: (error) => warn?.(error),
      ...(every === undefined ? {} : { every }),
    })
  }

  async #look(): Promise<void> {
    const { registry, environment, adopted } = this.#store
    const head = await registry.applies.head(environment)
    try {
      if (head && (head.revision !== adopted.head?.revision || adopted.definitions.length < head.items.size)) await this.#adopt(head)
      this.#waiting = null
    } catch (error) {
      if (head) this.#waiting = { apply: head.apply, why: (error as Error).message }
      throw error
    }
  }

  async #adopt(head: Head): Promise<void> {
    const items = [...(await this.#store.registry.applies.items(head)).values()]
    let found = definitionsOf(items, this.#codeOf, this.#made)
    if (found.incomplete.length > 0 && (await this.#reload())) found = definitionsOf(items, this.#codeOf, this.#made)
    if (found.incomplete.length > 0) throw missingCode(head, found.incomplete)
    await this.#store.adopt(new Adopted(found.definitions, head))
    this.#made = found.made
    this.#adopted = this.#clock.now()
    this.#options.adopted?.({ ...this.following, waiting: null })
  }

  readonly #codeOf: CodeOf = (onDemand) => this.#code.get(codeKey(onDemand))

  #learn(definitions: readonly Definition[]): void {
    for (const onDemand of catalogueOf(definitions).onDemand) this.#code.set(codeKey(onDemand), onDemand)
  }

  /** Whether the modules could be loaded again; not where they are as they were, as what was loaded stays in memory. */
  async #reload(): Promise<boolean> {
    const { path } = this.#options
    if (path === undefined || this.#modules?.fingerprint === fingerprintOf(this.#modules?.files ?? [])) return false
    const { definitions, files } = await reloadDefinitions(path)
    this.#modules = { files, fingerprint: fingerprintOf(files) }
    this.#learn(definitions)
    return true
  }
}

const codeKey = ({ name, version, code }: Pick<OnDemand, 'name' | 'version' | 'code'>): string => `${name}@${version} ${code}`

const missingCode = ({ environment, apply }: Head, incomplete: readonly Incomplete[]): LockstepError =>
  new LockstepError('INVALID_DEFINITION', incomplete.map(({ why }) => why).find((why) => why !== '') ?? 'Code is missing', {
    where: `apply ${apply} of ${environment}`,
    remedy: 'Bring the files that were applied to this machine; the definitions before are served until then.',
  })
