import { LockstepError } from '../errors.ts'
import { suggestion } from '../lib/suggestion.ts'
import type { ServedView, ServedViews } from './served-views.ts'

/** A feature that is asked for: of which view, what it is called there, and in the answer. */
export interface AskedFeature {
  readonly served: ServedView
  readonly own: string
  readonly named: string
}

const serviceForm = /^(.+)@v?(\d{1,9})$/
const featureForm = /^([^:@]+)(?:@v?(\d{1,9}))?:(.+)$/

/**
 * What Feast calls by its own names: a feature service is a view, all of it; before the colon of a feature stands a view, or a group,
 * which is what a feature view of Feast becomes. A group is read through a view that has its features: the first of those that
 * `mayRead` says may be read. Throws `INVALID_REQUEST`, `UNKNOWN_NAME` and what `forbidden` gives.
 */
export class FeastReferences {
  readonly #views: ServedViews
  readonly #mayRead: (view: string) => boolean
  readonly #forbidden: (view: string) => Error

  constructor(views: ServedViews, mayRead: (view: string) => boolean, forbidden: (view: string) => Error) {
    this.#views = views
    this.#mayRead = mayRead
    this.#forbidden = forbidden
  }

  service(text: string, inFull: boolean): AskedFeature[] {
    const [, name = text, version] = serviceForm.exec(text) ?? []
    const served = this.#view(name, version)
    return served.plan.output.map((value) => ({ served, own: value.name, named: inFull ? `${name}__${value.name}` : value.name }))
  }

  features(texts: readonly string[], inFull: boolean): AskedFeature[] {
    return texts.map((text, at) => {
      const [, name = '', version, feature = ''] = featureForm.exec(text) ?? []
      if (feature === '') {
        throw new LockstepError('INVALID_REQUEST', `${JSON.stringify(text)} is not a feature of a view`, {
          where: `body.features.${at}`,
          remedy: 'Write view:feature.',
        })
      }
      const named = inFull ? `${name}__${feature}` : feature
      if (this.#views.has(name)) return { served: this.#view(name, version), own: feature, named }
      return { ...this.#throughView(name, version, feature), named }
    })
  }

  #view(name: string, version: string | undefined): ServedView {
    if (!this.#mayRead(name)) throw this.#forbidden(name)
    return this.#views.get(name, version === undefined ? undefined : Number(version))
  }

  #throughView(group: string, version: string | undefined, feature: string): Omit<AskedFeature, 'named'> {
    const found = this.#views.all.flatMap((served) => {
      const own = nameIn(served, group, version, feature)
      return own === undefined ? [] : [{ served, own }]
    })
    const readable = found.find(({ served }) => this.#mayRead(served.view.name))
    if (readable) return readable
    if (found[0]) throw this.#forbidden(found[0].served.view.name)
    const known = this.#views.all.flatMap(({ view, plan }) => [view.name, ...plan.uses.map((use) => use.plan.group.name)])
    throw new LockstepError(
      'UNKNOWN_NAME',
      `There is no view ${group}, and none that has ${feature} of a group ${group}${suggestion(group, known)}`,
    )
  }
}

/** What a view calls a feature of a group, where it has it. */
function nameIn({ plan }: ServedView, group: string, version: string | undefined, feature: string): string | undefined {
  return plan.output.find(({ source }) => {
    const used = source.from === 'group' ? plan.uses[source.use]?.plan : undefined
    if (source.from !== 'group' || used?.group.name !== group) return false
    return used.features[source.feature]?.name === feature && (version === undefined || used.group.version === Number(version))
  })?.name
}
