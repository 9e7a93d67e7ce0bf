import { LockstepError } from '../errors.ts'
import { formatDate, type Micros } from '../lib/moment.ts'
import { suggestion } from '../lib/suggestion.ts'
import { dayOf, environmentDocuments, holdsIn, placesIn, type Registry } from '../registry/index.ts'

/** What the removal of an environment takes away, and what speaks against it. */
export interface EnvironmentReview {
  readonly environment: string
  /** How many documents of each table of the registry go. */
  readonly documents: Readonly<Record<string, number>>
  /** Who uses it, in words. */
  readonly heldUp: readonly string[]
}

export interface RemoveEnvironmentOptions {
  readonly by: string
  /** Callers that read it from then on hold it up. */
  readonly since: Micros
  /** Sets aside what holds it up; the audit log says what that was. */
  readonly force?: boolean
  readonly reason?: string
}

/** What would go with an environment, and who uses it. Throws `UNKNOWN_NAME` where the registry holds nothing of it. */
export async function reviewEnvironment(registry: Registry, environment: string, since: Micros): Promise<EnvironmentReview> {
  return (await review(registry, environment, since)).review
}

/**
 * Removes all that the registry knows of an environment, but for the audit log, in one commit. Throws `UNKNOWN_NAME`, `IN_USE` where
 * somebody reads it, a live model reads in it or a run goes on, and `REGISTRY_CONFLICT` where somebody applies at the same time.
 */
export async function removeEnvironment(
  registry: Registry,
  environment: string,
  { by, since, force = false, reason = '' }: RemoveEnvironmentOptions,
): Promise<EnvironmentReview> {
  const { found, head, review: reviewed } = await review(registry, environment, since)
  const { documents: before, heldUp } = reviewed
  if (heldUp.length > 0 && !force)
    throw new LockstepError('IN_USE', `${environment} is in use: ${heldUp.join('; ')}`, {
      where: `environment ${environment}`,
      remedy: 'Have those who use it read elsewhere first, or say that this is meant: --force.',
    })
  const event = { by, action: 'environment.remove', on: `environment:${environment}`, environment, why: reason }
  const told = registry.audit.put({
    ...event,
    before: { apply: head, documents: before },
    ...(heldUp.length > 0 ? { after: { forced: heldUp } } : {}),
  })
  const made = await registry.documents.commit({ conditions: found.conditions, puts: [told], deletes: placesIn(found) })
  if (made !== null) return reviewed
  throw new LockstepError('REGISTRY_CONFLICT', `Somebody applied at the same time, to ${environment} or what it has`, {
    where: `environment ${environment}`,
  })
}

async function review(registry: Registry, environment: string, since: Micros) {
  const found = await registry.documents.snapshot((reads) => environmentDocuments(reads, environment))
  if (found.documents.size === 0) {
    const known = await registry.applies.environments()
    const others = known.length > 0 ? `; there are ${known.join(', ')}${suggestion(environment, known)}` : ''
    throw new LockstepError('UNKNOWN_NAME', `The registry holds nothing of the environment ${environment}${others}`)
  }
  const documents = Object.fromEntries([...found.documents].map(([table, all]) => [table, all.length]))
  const head = (await registry.applies.head(environment))?.apply ?? null
  return { found, head, review: { environment, documents, heldUp: await usersOf(registry, environment, since) } }
}

/** Callers that read it since a moment, live models that read in it, and work that goes on in it, in words. */
async function usersOf({ usage, models, runs }: Registry, environment: string, since: Micros): Promise<string[]> {
  const callers = new Map<string, Micros>()
  for (const { caller, view, version, last } of await usage.read(environment, { since })) {
    const reader = `${caller || 'somebody'} read ${view}@${version}`
    if (last >= since) callers.set(reader, Math.max(last, callers.get(reader) ?? 0))
  }
  const reading = (await models.list()).filter(({ versions }) => versions.some((version) => holdsIn(version, environment)))
  const running = (await runs.list({ environment })).filter(({ outcome }) => outcome === 'running')
  return [
    ...[...callers].map(([reader, last]) => `${reader}, last on ${formatDate(dayOf(last))}`),
    ...reading.map(({ name }) => `the model ${name} reads in it`),
    ...running.map(({ kind, subject }) => `${kind} of ${subject} is running`),
  ]
}
