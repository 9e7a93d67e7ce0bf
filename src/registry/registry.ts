import { type Clock, systemClock } from '../lib/clock.ts'
import { Access } from './access.ts'
import { Applies } from './applies.ts'
import { Audit } from './audit.ts'
import type { DocumentStore } from './documents.ts'
import { LifeCycles } from './life-cycles.ts'
import { Models } from './models.ts'
import { Runs } from './runs.ts'
import { Statistics } from './statistics.ts'
import { TrainingSets } from './training-sets.ts'
import { Usage } from './usage.ts'
import { RegistryWatch } from './watch.ts'

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

  constructor(documents: DocumentStore, clock: Clock = systemClock) {
    this.documents = documents
    this.clock = clock
    this.audit = new Audit(documents, clock)
    this.access = new Access(documents, clock, this.audit)
    this.applies = new Applies(documents, clock)
    this.lifeCycles = new LifeCycles(documents, clock, this.audit)
    this.models = new Models(documents, clock)
    this.runs = new Runs(documents)
    this.statistics = new Statistics(documents)
    this.trainingSets = new TrainingSets(documents, this.models)
    this.usage = new Usage(documents, clock)
    this.watch = new RegistryWatch(documents)
  }

  async close(): Promise<void> {
    await this.documents.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
