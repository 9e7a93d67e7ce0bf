import { type Clock, systemClock } from '../lib/clock.ts'
import { Access } from './access.ts'
import { Applies } from './applies.ts'
import { Audit } from './audit.ts'
import type { DocumentStore } from './documents.ts'
import { LifeCycles } from './life-cycles.ts'
import { Models } from './models.ts'
import { keptOf, type Retention } from './retention.ts'
import { Runs } from './runs.ts'
import { Statistics } from './statistics.ts'
import { TrainingSets } from './training-sets.ts'
import { Usage } from './usage.ts'
import { RegistryWatch } from './watch.ts'

export type Trimmed = Readonly<Record<'applies' | 'items' | 'runs' | 'statistics' | 'usage', number>>

/** What a company knows of its features, in documents of one store. */
export class Registry implements AsyncDisposable {
  readonly documents: DocumentStore
  readonly clock: Clock
  readonly access: Access
  readonly applies: Applies
  readonly audit: Audit
  readonly lifeCycles: LifeCycles
  readonly models: Models
  readonly runs: Runs
  readonly statistics: Statistics
  readonly trainingSets: TrainingSets
  readonly usage: Usage
  readonly watch: RegistryWatch

  /** Throws `INVALID_ARGUMENT` for a retention that makes no sense. */
  constructor(documents: DocumentStore, clock: Clock = systemClock, retention?: Retention) {
    const kept = keptOf(retention)
    this.documents = documents
    this.clock = clock
    this.audit = new Audit(documents, clock)
    this.access = new Access(documents, clock, this.audit)
    this.applies = new Applies(documents, clock, kept)
    this.lifeCycles = new LifeCycles(documents, clock, this.audit)
    this.models = new Models(documents, clock)
    this.runs = new Runs(documents, clock, kept)
    this.statistics = new Statistics(documents, clock, kept)
    this.trainingSets = new TrainingSets(documents, this.models)
    this.usage = new Usage(documents, clock, kept)
    this.watch = new RegistryWatch(documents)
  }

  /** Removes at once what is not kept any more, of all environments; else it goes by and by. Gives how many documents went, by table. */
  async trim(): Promise<Trimmed> {
    const environments = await this.applies.environments()
    let [applies, items, usage] = [0, 0, 0]
    for (const environment of environments) {
      const trimmed = await this.applies.trim(environment)
      applies += trimmed.applies
      items += trimmed.items
      usage += await this.usage.merge(environment)
    }
    return { applies, items, runs: await this.runs.trim(), statistics: await this.statistics.trim(), usage }
  }

  async close(): Promise<void> {
    await this.documents.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
