import type { History } from '../definition/index.ts'
import type { Policy, RuleName, Severity } from '../plan/index.ts'
import type { StoreOptions } from './store-options.ts'

/** What `lockstep.config.ts` (or `.js`, `.json`) of a project may say, as its default export. Paths are relative to its folder. */
export interface ProjectConfig {
  /** A definitions module or a folder of them; `definitions.ts`, `definitions.js` or `definitions/` by default. */
  readonly definitions?: string
  /** Where the embedded stores keep their files; `.lockstep` by default. */
  readonly folder?: string
  readonly online?: NonNullable<StoreOptions['online']>
  /** Where events are pushed to: `segments`, files in `folder`, by default; `{ kafka: ['broker:9092'] }`. */
  readonly log?: NonNullable<StoreOptions['log']>
  /**
   * What is known of the definitions: `sqlite` by default, the file `registry.sqlite` in `folder`; `{ postgres: url }`. With
   * `retention: { applies: 1000, runs: '400d', statistics: '400d', usage: '400d' }` how long it keeps what comes with use.
   */
  readonly registry?: NonNullable<StoreOptions['registry']>
  /** Other places of sources' histories, by the name of the source; of a path, the ending says the format. */
  readonly history?: Readonly<Record<string, string | History>>
  /** Whether materialize, backfill and train also compute what the values of features are like. They do by default. */
  readonly statistics?: boolean
  /** Where events of OpenLineage go: `{ file: 'lineage.ndjson' }` or `{ url: 'http://marquez:5000/api/v1/lineage' }`. */
  readonly openLineage?: NonNullable<StoreOptions['openLineage']>
  /** How grave the findings of a check are, by its rule or policy. */
  readonly checks?: Readonly<Partial<Record<RuleName, Severity>> & Record<string, Severity>>
  /** Rules of the project, made by `policy(...)`; those of an environment come to those of all. */
  readonly policies?: readonly Policy[]
  /** The environment that commands mean which name none; `dev` by default. */
  readonly environment?: string
  /** Other settings of single environments. The registry is one for all; embedded stores lie in `folder/environments/NAME` by default. */
  readonly environments?: Readonly<Record<string, Partial<Omit<ProjectConfig, 'registry' | 'environment' | 'environments'>>>>
}
