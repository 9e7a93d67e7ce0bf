import type { broughtTarget, Operation } from '../registry/index.ts'
import type { Store } from './store.ts'

export type Thing = Parameters<typeof broughtTarget>[1]
type ArgumentsOf<Member> = Member extends (...given: infer Given) => unknown ? Given : []

/** What a method or property of a store does, as roles know it: to which things, to its environment as a whole, or to the registry. */
export interface StoreRole<Given extends readonly unknown[]> {
  readonly operation: Operation
  readonly on: 'environment' | 'registry' | ((given: Given, store: Store) => readonly Thing[])
}

type StoreRoles = { readonly [Name in keyof Store]: StoreRole<ArgumentsOf<Store[Name]>> | null }

const readView = { operation: 'read', on: ([view]: readonly [Thing, ...unknown[]]) => [view] } as const
const knows = { operation: 'read', on: 'environment' } as const

/** All members of a store, as `commandRoles` has all commands. Null: it takes no role, as it tells what its caller brought along. */
export const storeRoles: StoreRoles = {
  adopted: null,
  definitions: null,
  views: null,
  groups: null,
  view: null,
  group: null,
  adopt: null,
  whenAdopting: null,
  environment: null,
  now: null,
  onlineName: null,
  folder: null,
  streamedGroups: null,
  streamedSource: null,
  checkStored: null,
  checkOnline: null,
  close: null,
  [Symbol.asyncDispose]: null,
  trainingSet: readView,
  vector: readView,
  vectors: readView,
  answer: readView,
  answerFromHistory: readView,
  explain: readView,
  parity: readView,
  parityOfServed: readView,
  unmaterialized: readView,
  unmaterializedOf: { operation: 'read', on: ([groups]) => groups },
  compare: { operation: 'read', on: ([before, after]) => [before, after] },
  statistics: { operation: 'read', on: ([group]) => [group] },
  places: { operation: 'read', on: ([groups]) => groups },
  freshness: knows,
  streamStatus: knows,
  push: { operation: 'push', on: ([source], store) => [store.streamedSource(source)] },
  materialize: { operation: 'write', on: ([groups], store) => groups ?? store.groups },
  backfill: { operation: 'write', on: ([group]) => [group] },
  replay: { operation: 'write', on: ([groups]) => groups },
  stream: { operation: 'write', on: ([groups], store) => groups ?? store.groups },
  forget: { operation: 'forget', on: 'environment' },
  // By these one comes past all checks.
  offline: { operation: 'write', on: 'environment' },
  registry: { operation: 'admin', on: 'registry' },
}
