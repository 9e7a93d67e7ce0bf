import { bareId, type Difference } from '../plan/index.ts'
import { holdsIn, type Registry } from '../registry/index.ts'
import { usageSince } from './consumers.ts'

/** Who is touched where views change. */
export interface Impact {
  /** `ranking@1` */
  readonly views: readonly string[]
  readonly callers: readonly { readonly caller: string; readonly model: string; readonly view: string; readonly last: number }[]
  readonly models: readonly { readonly model: string; readonly version: number; readonly view: string; readonly owner: string }[]
  readonly trainingSets: readonly { readonly id: string; readonly view: string; readonly path: string }[]
}

/**
 * The views that a difference touches, who read them in the last 30 days, and the live models and training sets made of them. Of a new
 * version those count who use the one before it: they may want to move.
 */
export async function impactOf({ items }: Difference, registry: Registry, environment: string): Promise<Impact> {
  const views = [...new Set(items.flatMap((item) => item.views.map(bareId)))].sort()
  if (views.length === 0) return { views, callers: [], models: [], trainingSets: [] }
  const before = items.flatMap(({ kind, previous }) => (kind === 'view' && previous !== null ? [bareId(previous)] : []))
  const touched = new Set([...views, ...before])
  const reads = await registry.usage.read(environment, { since: usageSince(registry.clock.now()) })
  const callers = new Map<string, Impact['callers'][number]>()
  for (const { caller, model, view, version, last } of reads) {
    const name = `${view}@${version}`
    const key = [caller, model, name].join('\0')
    if (touched.has(name)) callers.set(key, { caller, model, view: name, last: Math.max(last, callers.get(key)?.last ?? last) })
  }
  const models = (await registry.models.list()).flatMap(({ name, versions }) =>
    versions.flatMap((one) => {
      const { version, view, owner } = one
      const of = `${view.name}@${view.version}`
      return holdsIn(one, environment) && touched.has(of) ? [{ model: name, version, view: of, owner }] : []
    }),
  )
  const sets = (await registry.trainingSets.list({ environment, live: true })).flatMap(({ id, view, version, path }) => {
    const of = `${view}@${version}`
    return touched.has(of) ? [{ id, view: of, path }] : []
  })
  return { views, callers: [...callers.values()], models, trainingSets: sets }
}
