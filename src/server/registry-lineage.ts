import { Lineage } from '../plan/index.ts'
import type { FeatureRead, Model } from '../registry/index.ts'
import { registryCatalogue } from './registry-catalogue.ts'
import type { RouteRequest } from './route.ts'
import type { ServerContext } from './server-context.ts'

/** The models with those of their versions that read an environment which the token may read. */
export async function readableModels({ store, access }: ServerContext, token: RouteRequest['token']): Promise<Model[]> {
  const mayRead = (environment: string) => token === null || access.allows(token, 'read', undefined, environment)
  return (await store.registry.models.list()).flatMap((model) => {
    const versions = model.versions.filter(({ environments }) => environments?.some(mayRead) ?? true)
    return versions.length === 0 ? [] : [{ ...model, versions }]
  })
}

/** What depends on what of that which is served, with who reads it, as far as a token may know; and the reads themselves. */
export async function lineageFor(
  context: ServerContext,
  token: RouteRequest['token'],
): Promise<{ readonly lineage: Lineage; readonly reads: readonly FeatureRead[] }> {
  const { environment, registry } = context.store
  const reads = await registry.usage.read(environment)
  const lineage = new Lineage(registryCatalogue(context.store).catalogue, {
    trainingSets: await registry.trainingSets.list({ environment }),
    models: await readableModels(context, token),
    reads,
  })
  return { lineage, reads }
}
